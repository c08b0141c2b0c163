"""What a rewrite changed: the two regions, cut out as small models, and that nothing else changed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import onnx_ir as ir

    Array = np.ndarray[Any, np.dtype[Any]]


class Unproved(Exception):
    """A rewrite that cannot be proved; the message says what speaks against it."""


def regions(before: ir.Model, after: ir.Model, nodes: Collection[str]) -> tuple[ir.Model, ir.Model]:
    """Cuts out what was rewritten and checks that everything else is the same.

    Nodes are told apart by their names, which are unique.

    Args:
        before: The original.
        after: The mended copy.
        nodes: Names of the nodes that may have been replaced; they consume and give tensors of static shape.

    Returns:
        Two models with the same inputs and outputs: the tensors that go into `nodes` and are not
        constant, and the tensors that come out and are used. Weights are shared with the arguments.

    Raises:
        Unproved: Something outside the region differs, or its boundary is not the same.
    """
    old = [node for node in before.graph if node.name in nodes]
    kept = {node.name for node in before.graph} - set(nodes)
    new = [node for node in after.graph if node.name not in kept]
    _demand_same_rest(before, after, old, new)
    inputs, known, outputs = _boundary(old)
    return _cut(before, inputs, known, outputs), _cut(after, inputs, known, outputs)


def constants(model: ir.Model, *, floating: bool) -> dict[str, Array]:
    """The initializers of a region by name, either the floating-point ones or the others."""
    return {
        name: value.const_value.numpy()
        for name, value in model.graph.initializers.items()
        if value.const_value is not None and value.const_value.dtype.is_floating_point() == floating
    }


def outline(model: ir.Model) -> list[object]:
    """A region without its weights, comparable: operators, attributes, wiring, integer constants, shapes."""
    number: dict[ir.Value | None, int] = {None: -1}
    lines: list[object] = []
    for value in model.graph.inputs:
        number[value] = len(number)
    integers = constants(model, floating=False)
    for node in model.graph:
        for constant in node.inputs:
            if constant is not None and constant.is_initializer() and constant not in number:
                number[constant] = len(number)
                array = integers.get(constant.name or "")
                lines.append((_shape(constant), None if array is None else array.tolist()))
        attributes = sorted((key, repr(attr.value)) for key, attr in node.attributes.items())
        lines.append((node.domain, node.op_type, attributes, [number[value] for value in node.inputs]))
        for value in node.outputs:
            number[value] = len(number)
    return [*lines, [number.get(value, -2) for value in model.graph.outputs]]


def _shape(value: ir.Value) -> tuple[int, ...]:
    """The shape of a tensor; `Unproved` when a size is open."""
    if value.shape is None or not value.shape.is_static():
        raise Unproved(f"the shape of '{value.name}' is not known")
    return value.shape.numpy()


def _boundary(
    nodes: Sequence[ir.Node],
) -> tuple[list[str], dict[str, ir.TensorProtocol], list[str]]:
    """Names of what goes in and is not constant; what is, although other nodes compute it; names of what comes out."""
    import onnx_ir as ir

    inside = set(nodes)
    inputs: dict[str, None] = {}
    known: dict[str, ir.TensorProtocol] = {}
    outputs: dict[str, None] = {}
    for node in nodes:
        for value in node.inputs:
            if value is None or (producer := value.producer()) in inside:
                continue
            content = ir.convenience.get_const_tensor(value)
            if content is None:
                _shape(value)
                inputs[value.name or ""] = None
            elif producer is not None and producer.op_type != "Constant":
                known[value.name or ""] = content
        for value in node.outputs:
            if value.is_graph_output() or any(use.node not in inside for use in value.uses()):
                outputs[value.name or ""] = None
    return list(inputs), known, list(outputs)


def _cut(
    model: ir.Model, inputs: list[str], known: Mapping[str, ir.TensorProtocol], outputs: list[str]
) -> ir.Model:
    """The part of a model between some tensors, its constants turned into initializers."""
    import onnx_ir as ir
    from onnx_ir.passes.common import LiftConstantsToInitializersPass

    try:
        graph = ir.convenience.extract(model.graph, [*inputs, *known], outputs)
    except ValueError as error:
        raise Unproved(f"the mended region is not bounded by the tensors of the original: {error}") from error
    for value in [value for value in graph.inputs if value.name in known]:
        graph.inputs.remove(value)
        value.const_value = known[value.name or ""]
        graph.register_initializer(value)
    part = ir.Model(graph, ir_version=max(model.ir_version, 4))
    LiftConstantsToInitializersPass(lift_all_constants=True, size_limit=0)(part)
    return part


def _demand_same_rest(before: ir.Model, after: ir.Model, old: list[ir.Node], new: list[ir.Node]) -> None:
    """Everything that is not in the regions is the same."""
    for what in ("inputs", "outputs"):
        pairs = zip_longest(getattr(before.graph, what), getattr(after.graph, what))
        if not all(_same_spec(ours, theirs) for ours, theirs in pairs):
            raise Unproved(f"the {what} of the graph are not the same")
    rest_before, rest_after = _rest(before, old), _rest(after, new)
    for name in rest_before.keys() | rest_after.keys():
        if rest_before.get(name) != rest_after.get(name):
            raise Unproved(f"node '{name}' outside the region is not the same")
    used = {v.name for node in after.graph.all_nodes() for v in node.inputs if v is not None}
    for name, value in before.graph.initializers.items():
        if name in used and not _same_tensor(value, after.graph.initializers.get(name)):
            raise Unproved(f"constant '{name}' is not the same")


def _same_spec(ours: ir.Value | None, theirs: ir.Value | None) -> bool:
    """Whether an input or output is the same; a shape that was not known may be known now."""
    if ours is None or theirs is None or (ours.name, ours.type) != (theirs.name, theirs.type):
        return False
    return ours.shape is None or ours.shape == theirs.shape


def _same_tensor(value: ir.Value, twin: ir.Value | None) -> bool:
    import numpy as np

    ours, theirs = value.const_value, twin.const_value if twin is not None else None
    if ours is theirs:  # a mended copy shares the tensors of the original
        return True
    return (
        ours is not None
        and theirs is not None
        and ours.dtype == theirs.dtype
        and np.array_equal(ours.numpy(), theirs.numpy())
    )


def _rest(model: ir.Model, region: list[ir.Node]) -> dict[str, bytes]:
    """The nodes outside a region, serialised, by name; constants that only the region uses belong to it."""
    import onnx_ir as ir

    inside = set(region)
    # What a value says of its uses counts those in branches that an earlier mend took away.
    read = {value for node in model.graph.all_nodes() if node not in inside for value in node.inputs}
    read |= set(model.graph.outputs)
    return {
        node.name or "": ir.to_proto(node).SerializeToString(deterministic=True)
        for node in model.graph
        if node not in inside and (node.op_type != "Constant" or not read.isdisjoint(node.outputs))
    }
