"""Where numbers go wrong: the first operators whose result is wrong while what they are given is right.

Intermediate values are made outputs, a few at a time, and compared with ONNX Runtime in one Trial; what lies between
the last right ones and the first wrong one is looked into next. So the trials grow with the logarithm of the model.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from rkmend.diagnose.oracle import BudgetSpent
from rkmend.graph import CannotExtract, extract
from rkmend.graph.surgery import can_be_fed, reads_of

if TYPE_CHECKING:
    import onnx_ir as ir

Judge = Callable[["ir.Model", str], "Mapping[str, bool] | None"]
"""From a part of a model, and a label, to whether each of its outputs is right; None when the part does not convert.
What a part is fed with is what it is fed with in the model."""
PROBES = 16
"""Values that are made outputs at once. Each keeps the compiler from fusing what stands round it."""
GROWTHS = 3
"""How often a window is widened in which nothing is wrong when it stands alone."""


def first_wrong(model: ir.Model, wrong: Collection[str], judge: Judge) -> tuple[str, ...]:
    """The nodes that wrong numbers come from.

    Args:
        model: With inferred static shapes.
        wrong: Outputs of the model that are wrong.
        judge: Raises `BudgetSpent` when there is no time left: then what is known so far comes back.

    Returns:
        Names in graph order; more than one where only a group of nodes is wrong, none where nothing was found out.
    """
    order = {node: place for place, node in enumerate(model.graph)}
    bad = next((value for value in model.graph.outputs if value.name in wrong), None)
    if bad is None:
        return ()
    suspects = _between(bad, frozenset(), order)
    whole = len(suspects)
    with suppress(BudgetSpent):
        suspects = _narrowed(model, bad, suspects, order, judge)
        if len(suspects) < whole:
            suspects = _confirmed(model, suspects, order, judge)
    if len(suspects) == whole > 1:
        return ()
    return tuple(str(node.name) for node in suspects if node.op_type != "Constant")


def _narrowed(
    model: ir.Model, bad: ir.Value, suspects: list[ir.Node], order: Mapping[ir.Node, int], judge: Judge
) -> list[ir.Node]:
    """The nodes between the first value that is wrong and those that are right."""
    right: set[ir.Value] = set()
    probes = PROBES
    while len(suspects) > 1 and probes:
        places = _spread([value for value in comparable(suspects) if value is not bad], probes)
        if not places:
            break
        found = _look(model, [*places, bad], order, judge)
        if found is None:  # one of the new outputs is more than the toolkit can do
            probes //= 2
            continue
        right |= {value for value in places if found.get(str(value.name))}
        worse = [value for value in places if found.get(str(value.name)) is False]
        bad = worse[0] if worse else bad
        closer = _between(bad, right, order)
        if len(closer) >= len(suspects):
            break
        suspects = closer
        if not worse and found.get(str(bad.name)):  # it is only wrong when nobody looks
            break
    return suspects


def _confirmed(
    model: ir.Model, suspects: list[ir.Node], order: Mapping[ir.Node, int], judge: Judge
) -> list[ir.Node]:
    """The suspects with as many of their neighbours as it takes for them to be wrong when they stand alone."""
    window = suspects
    for _ in range(GROWTHS):
        try:
            part = extract(model, [str(node.name) for node in window])
        except CannotExtract:
            return suspects
        found = judge(part, f"{len(window)} nodes at '{suspects[0].name}', alone")
        if found and not all(found.values()):
            return window
        window = _widened(window, order)
    return suspects


def _look(
    model: ir.Model, values: Sequence[ir.Value], order: Mapping[ir.Node, int], judge: Judge
) -> Mapping[str, bool] | None:
    needed = {node for value in values for node in _between(value, frozenset(), order)}
    names = [str(node.name) for node in order if node in needed]
    try:
        part = extract(model, names, keep_outputs=[str(value.name) for value in values])
    except CannotExtract:
        return None
    return judge(part, f"{len(values)} values up to '{values[-1].name}'")


def _between(value: ir.Value, right: Collection[ir.Value], order: Mapping[ir.Node, int]) -> list[ir.Node]:
    """The nodes that a value depends on, none behind a value that is right; in graph order."""
    found: set[ir.Node] = set()
    waiting = [value]
    while waiting:
        node = waiting.pop().producer()
        if node is None or node in found or node not in order:
            continue
        found.add(node)
        waiting += [one for one in reads_of(node) if one not in right]
    return sorted(found, key=order.__getitem__)


def comparable(nodes: Iterable[ir.Node]) -> list[ir.Value]:
    """What can be made an output and compared: computed tensors of floats."""
    values = (value for node in nodes if node.op_type != "Constant" for value in node.outputs)
    return [
        value
        for value in values
        if value.name
        and value.const_value is None
        and value.dtype is not None
        and value.dtype.is_floating_point()
        and can_be_fed(value)
    ]


def _spread(values: Sequence[ir.Value], number: int) -> list[ir.Value]:
    """So many of the values, evenly."""
    if len(values) <= number:
        return list(values)
    return [values[(2 * place + 1) * len(values) // (2 * number)] for place in range(number)]


def _widened(window: Sequence[ir.Node], order: Mapping[ir.Node, int]) -> list[ir.Node]:
    """The nodes and those next to them."""
    near = set(window)
    for node in window:
        near.update(maker for value in node.inputs if value is not None and (maker := value.producer()))
        near.update(use.node for value in node.outputs for use in value.uses())
    return sorted(near & order.keys(), key=order.__getitem__)
