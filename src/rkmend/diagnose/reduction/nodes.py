"""The nodes of a failing model: the fewest that still fail alike.

Three searches, each for what the one before leaves. Parts of the graph in order find a culprit that stands
alone in as many trials as the number of nodes has bits. Where several are needed they are found one by one,
each next one from the nodes around those that are known: what fails together is near together. Then nodes are
taken out singly, at every level, until none goes any more.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from rkmend.diagnose.reduction.bodies import body_changes
from rkmend.diagnose.reduction.change import CannotChange, Change, Hunt
from rkmend.diagnose.reduction.delta import narrow, shortest
from rkmend.graph import bypass, contract, cut, node_names, ways_past
from rkmend.graph.walk import inner_nodes

if TYPE_CHECKING:
    import onnx_ir as ir

FEW = 3
"""Nodes of the graph up to which they are taken out singly at once."""


def reduce_nodes(hunt: Hunt, suspects: Sequence[str] = ()) -> None:
    """Makes `hunt.model` 1-minimal in its nodes: no change of `node_changes` keeps the failure.

    Args:
        hunt: The reduction that this is a part of.
        suspects: Nodes that the log names; tried first, alone and with what is around them.
    """
    while True:
        _find_culprits(hunt, suspects)
        suspects = ()
        if hunt.first(body_changes(hunt.model)):
            continue
        while _take_out_singly(hunt):
            pass
        if hunt.first(body_changes(hunt.model)) is None:
            return


def node_changes(model: ir.Model) -> Iterator[Change]:
    """Every simplification by one node: removed, bypassed, or replaced by what is in its body."""
    yield from _single_changes(model, 0)
    yield from body_changes(model)


def _find_culprits(hunt: Hunt, suspects: Sequence[str]) -> None:
    """Leaves the nodes of the main graph that the failure seems to need."""
    names = [str(node.name) for node in hunt.model.graph]
    if len(names) <= FEW:
        return
    needed = [name for name in suspects if name in names]
    if not needed:
        names = list(narrow(hunt, names, _kept))
        if len(names) <= FEW:
            return
        needed = [names[shortest(hunt, names, _kept, near=False) - 1]]
    fruitless = 0
    while fruitless < 2 and (around := _by_distance(hunt.model, needed)):
        before = hunt.model
        extra = [_contracted(needed)] if len(needed) > 1 else []
        size = shortest(hunt, around, partial(_kept_besides, needed), extra, near=True)
        if size == 0:
            return
        needed = [*needed, around[size - 1]]
        fruitless = fruitless + 1 if hunt.model is before else 0


def _kept(names: Sequence[str]) -> Change:
    """All nodes of the main graph removed but the named ones."""
    return Change(
        "all nodes but " + _listing(names), "removed", lambda model: cut(model, _others(model, names))
    )


def _kept_besides(needed: Sequence[str], names: Sequence[str]) -> Change:
    return _kept([*needed, *names])


def _contracted(names: Sequence[str]) -> Change:
    """As `_kept`, but what the others connected stays connected."""
    return Change(
        "all nodes but " + _listing(names), "bypassed", lambda model: contract(model, _others(model, names))
    )


def _others(model: ir.Model, names: Sequence[str]) -> list[str]:
    kept = set(names)
    others = [str(node.name) for node in model.graph if node.name not in kept]
    if not others:
        raise CannotChange("there are no other nodes")
    return others


def _listing(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in names) if len(names) <= FEW else f"{len(names)} of them"


def _by_distance(model: ir.Model, names: Sequence[str]) -> list[str]:
    """The other nodes of the main graph, the nearest first, those at the same distance in graph order."""
    nodes = {str(node.name): node for node in model.graph}
    order = {node: index for index, node in enumerate(nodes.values())}
    links: dict[ir.Node, set[ir.Node]] = {node: set() for node in order}
    for node in order:
        for inner in (node, *inner_nodes(node)):
            for value in inner.inputs:
                maker = value.producer() if value is not None else None
                if maker in links and maker is not node:
                    links[node].add(maker)
                    links[maker].add(node)
    reached = dict.fromkeys(nodes[name] for name in names if name in nodes)
    first, waiting = len(reached), deque(reached)
    while waiting:
        for node in sorted(links[waiting.popleft()] - reached.keys(), key=order.__getitem__):
            reached[node] = None
            waiting.append(node)
    reached.update(dict.fromkeys(order))  # those that nothing connects
    return [str(node.name) for node in list(reached)[first:]]


def _take_out_singly(hunt: Hunt) -> bool:
    """Goes through the nodes of all levels once, and takes out more at a time as long as that goes well.

    Returns:
        Whether a node went: then those before it are worth another try.
    """
    at, run, changed = 0, 1, False
    while True:
        names = node_names(hunt.model)
        singles = [*_single_changes(hunt.model, at)]
        runs = [_removed(names[at : at + run])] if run > 1 and len(names[at:]) > run else []
        adopted = hunt.first([*runs, *singles])
        if adopted is None:
            return changed
        changed = True
        run = 2 * run if adopted in runs else 2
        left = node_names(hunt.model)
        at = next(
            (at for at, (old, new) in enumerate(zip(names, left, strict=False)) if old != new), len(left)
        )


def _single_changes(model: ir.Model, start: int) -> Iterator[Change]:
    """The removal and the bypasses of each node from one on, in the order of `node_names`."""
    import onnx_ir as ir

    for node in list(ir.traversal.RecursiveGraphIterator(model.graph))[start:]:
        element, name = f"node '{node.name}' ({node.op_type})", str(node.name)
        yield Change(element, "removed", partial(cut, remove=[name]))
        for index in ways_past(node):
            source = node.inputs[index]
            assert source is not None
            yield Change(
                element,
                f"bypassed by its input '{source.name}'",
                partial(bypass, node=name, input_index=index),
            )


def _removed(names: Sequence[str]) -> Change:
    return Change(
        f"{len(names)} nodes from '{names[0]}' to '{names[-1]}'", "removed", partial(cut, remove=names)
    )
