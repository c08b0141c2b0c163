"""Names: short plain ones, by what a thing is: `conv`, `conv_2`; `x` goes in, `y` comes out, `w` and `b` are stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from copy import copy
from typing import TYPE_CHECKING

from rkmend.diagnose.reduction.change import Change

if TYPE_CHECKING:
    import onnx_ir as ir

GRAPH = "graph"


def plain_names(model: ir.Model) -> Iterator[Change]:
    """All nodes, values and graphs renamed at once, unless they are called so. Functions stay."""
    plan = _plan(model)
    if any(thing.name != name for thing, name in plan):
        yield Change("names", "short plain ones", _renamed)


def _renamed(model: ir.Model) -> ir.Model:
    edited = model.clone()
    _take_tensors(edited)
    plan = _plan(edited)
    for number, (thing, _) in enumerate(plan):
        thing.name = f" {number}"  # out of the way: names are swapped, and no plain name begins like that
    for thing, name in plan:
        thing.name = name
    return edited


def _take_tensors(model: ir.Model) -> None:
    """Gives a model tensors of its own: a value hands its name on to its tensor, which is shared with other models."""
    import onnx_ir as ir

    for graph in model.graphs():
        for value in graph.initializers.values():
            if value.const_value is not None:
                value.const_value = _own(value.const_value)
        for node in graph:
            for value in node.outputs:
                value.const_value = None  # known from inference, which finds it again
            for name, attribute in list(node.attributes.items()):
                if attribute.type == ir.AttributeType.TENSOR:
                    node.attributes[name] = ir.AttrTensor(name, _own(attribute.as_tensor()))


def _own(tensor: ir.TensorProtocol) -> ir.TensorProtocol:
    import onnx_ir as ir

    if isinstance(tensor, ir.ExternalTensor | ir.StringTensor):
        return copy(tensor)
    return ir.Tensor(tensor.numpy(), dtype=tensor.dtype, name=tensor.name)


def _plan(model: ir.Model) -> list[tuple[ir.Node | ir.Value | ir.Graph, str]]:
    """Everything that has a name, with the one that it should have."""
    import onnx_ir as ir

    count: Counter[str] = Counter()
    plan: dict[ir.Node | ir.Value | ir.Graph, str] = {}

    def name(thing: ir.Node | ir.Value, stem: str) -> None:
        if thing not in plan:
            count[stem] += 1
            plan[thing] = stem if count[stem] == 1 else f"{stem}_{count[stem]}"

    for graph in model.graphs():
        plan[graph] = GRAPH
        main = graph is model.graph
        for value in graph.inputs:
            name(value, "x" if main else "v")
        for value in graph.initializers.values():
            name(value, "w" if len(value.shape or ()) > 1 else "b")
        for value in graph.outputs if main else ():
            name(value, "y")
    for node in ir.traversal.RecursiveGraphIterator(model.graph):
        name(node, node.op_type.lower())
        for value in node.outputs:
            if value.name:
                name(value, "v")
    return list(plan.items())
