"""Facts about what is left of a model: its nodes with shapes and attributes, and where they come from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rkmend.diagnose.reduction.change import Change
from rkmend.diagnose.reduction.record import NodeFacts
from rkmend.graph.model import shape_of, shape_text

if TYPE_CHECKING:
    import onnx_ir as ir


def node_facts(model: ir.Model, origins: Mapping[str, str]) -> tuple[NodeFacts, ...]:
    """All nodes at all levels, in order.

    Args:
        model: With inferred shapes.
        origins: Name of a node -> its name in the model as given, where it is another.
    """
    return tuple(
        NodeFacts(
            name=str(node.name),
            operator=node.op_type,
            original=origins.get(str(node.name), str(node.name)),
            inputs=tuple(_described(value) for value in node.inputs),
            outputs=tuple(_described(value) for value in node.outputs),
            attributes={name: _text(attribute) for name, attribute in node.attributes.items()},
        )
        for node in model.graph.all_nodes()
    )


def originals(before: ir.Model, after: ir.Model, known: Mapping[str, str], change: Change) -> dict[str, str]:
    """Keeps track of where nodes come from when a change renamed them: it leaves their order as it is."""
    old = [str(node.name) for node in before.graph.all_nodes()]
    new = [str(node.name) for node in after.graph.all_nodes()]
    if change.element != "names" or len(old) != len(new):
        return dict(known)
    return {name: known.get(former, former) for name, former in zip(new, old, strict=True)}


def _described(value: ir.Value | None) -> str:
    if value is None:
        return "-"
    dtype = value.dtype.numpy().name if value.dtype else "unknown"
    return f"{dtype} {shape_text(shape_of(value))}"


def _text(attribute: ir.Attr) -> str:
    import onnx_ir as ir

    if attribute.type == ir.AttributeType.TENSOR:
        tensor = attribute.as_tensor()
        return f"tensor {tensor.dtype.numpy().name} {shape_text(tuple(int(size) for size in tensor.shape.numpy()))}"
    if attribute.type in (ir.AttributeType.GRAPH, ir.AttributeType.GRAPHS):
        return "subgraph"
    value = attribute.value
    return str(list(value)) if isinstance(value, tuple | list) else str(value)
