"""What part a node plays in the story, and what is drawn round the nodes that play one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rkmend.checking import Found
from rkmend.records import Conversion
from rkmend.report.page.opened import MENDED, Opened
from rkmend.report.page.rows import Role

if TYPE_CHECKING:
    import onnx_ir as ir

HOPS, MOST = 3, 60
"""Of the graph round the culprits: how far neighbours may be, and nodes at most."""
MEND_HOPS, MEND_MOST = 1, 40
"""Of the subgraph of a mend."""

Roles = dict[str, tuple[Role, str]]
"""Node -> its role and the code of the rule that gave it."""


def roles_of_original(
    result: Conversion, original: Opened, mended: Opened | None, findings: Sequence[Found]
) -> Roles:
    """Roles of the nodes of the model as it was given; the more telling where several fit."""
    roles: Roles = {}
    for finding in reversed(findings):
        roles.update((name, ("finding", finding.code)) for name in finding.nodes)
    gone = set(original.ids) - set(mended.ids) if mended else set()
    tail = set(result.tail.nodes) if result.tail else set()
    roles.update((name, ("replaced", "")) for name in gone - tail)
    roles.update((name, ("tail", "")) for name in original.ids if name in tail)
    for mend in reversed(result.mends):
        touched = [name for name in map(_root, mend.nodes) if name in gone]
        roles.update((name, ("replaced", mend.code)) for name in touched)
    for culprit in result.culprits:
        codes = {name: finding.code for finding in result.findings for name in finding.nodes}
        roles.update((name, ("culprit", codes.get(name, ""))) for name in culprit.nodes)
    return {name: role for name, role in roles.items() if name in original.ids}


def roles_of_mended(original: Opened | None, mended: Opened) -> Roles:
    """Roles of the nodes of what is delivered."""
    given = {str(node.name): node for node in original.model.graph} if original else {}
    roles: Roles = {}
    for node in mended.model.graph:
        name = str(node.name)
        if name in mended.origins:
            roles[name] = "new", mended.origins[name][0]
        elif given and name not in given:
            roles[name] = "new", ""
        elif given and not _same(node, given[name]):
            roles[name] = "changed", ""
    return roles


def _same(one: ir.Node, other: ir.Node) -> bool:
    """Whether two nodes compute the same of tensors of the same names, as far as can be seen without weights."""
    return (one.op_type, one.domain, _reads(one), sorted(one.attributes)) == (
        other.op_type, other.domain, _reads(other), sorted(other.attributes),
    ) and all(_equal(one.attributes[name], other.attributes[name]) for name in one.attributes)  # fmt: skip


def _reads(node: ir.Node) -> list[str | None]:
    return [value.name if value is not None else None for value in node.inputs]


def _equal(one: ir.Attr, other: ir.Attr) -> bool:
    import onnx_ir as ir

    plain = (int, float, str, tuple, list)
    if isinstance(one.value, plain) and isinstance(other.value, plain):
        return one.value == other.value
    return isinstance(one.value, ir.TensorProtocol | ir.Graph)  # too long to compare


def focus_of(roles: Roles, opened: Opened) -> tuple[int, ...]:
    """The nodes to show first, with their neighbours: the culprits, or whatever else the story is about."""
    for role in ("culprit", "new", "replaced", "changed", "tail"):
        told = tuple(name for name, (one, _code) in roles.items() if one == role)
        if told:
            return opened.around(opened.numbers(told), hops=HOPS, most=MOST)
    return ()


def subgraphs(
    result: Conversion, original: Opened | None, mended: Opened | None
) -> dict[int, tuple[tuple[int, ...], tuple[int, ...]]]:
    """Place of a mend -> the nodes to draw, before and after."""
    return {
        place: (
            _around(original, tuple(map(_root, mend.nodes))),
            _around(mended, _put_in(mended, mend.code, mend.nodes)),
        )
        for place, mend in enumerate(result.mends)
    }


def _put_in(mended: Opened | None, code: str, nodes: tuple[str, ...]) -> tuple[str, ...]:
    """What a mend put in the place of nodes."""
    roots = set(map(_root, nodes))
    origins = mended.origins.items() if mended else ()
    return tuple(name for name, (rule, origin) in origins if rule == code and (not roots or origin in roots))


def _around(opened: Opened | None, names: tuple[str, ...]) -> tuple[int, ...]:
    ids = opened.numbers(names) if opened else ()
    return opened.around(ids, hops=MEND_HOPS, most=MEND_MOST) if opened and ids else ()


def _root(name: str) -> str:
    """The node of the model as it was given that a node stands for."""
    return name.partition(MENDED)[0]
