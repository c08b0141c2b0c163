"""Contents: what values hold whatever the model is fed with."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from rkmend.graph.infer import infer
from rkmend.graph.values import static_shape
from rkmend.graph.walk import bodies_of

if TYPE_CHECKING:
    import onnx_ir as ir


def contents(model: ir.Model, values: Collection[ir.Value]) -> dict[ir.Value, ir.TensorProtocol]:
    """The contents of those of the values that do not depend on the inputs of the model.

    They are known for Constants, and computed for small values that come of constants and of shapes.

    Args:
        model: With inferred shapes.
        values: Outputs of its nodes, at any level.
    """
    import onnx_ir as ir

    known = {value: tensor for value in values if (tensor := constant(value)) is not None}
    asked = [value for value in values if value not in known]
    nodes = _computed_from(asked, _computable(model))
    made = {output for node in nodes for output in node.outputs}
    found = [value for value in asked if value in made]
    if found:
        read = dict.fromkeys(value for node in nodes for value in node.inputs if value and value not in made)
        held = [value for value in read if value.const_value is not None]
        shaped = [value for value in read if value.const_value is None]
        view = ir.GraphView(shaped, found, nodes=nodes, initializers=held, opset_imports=model.opset_imports)
        part = ir.Model(view.clone(), ir_version=model.ir_version)
        infer(part)
        for value, twin in zip(found, part.graph.outputs, strict=True):
            if twin.const_value is not None:
                known[value] = twin.const_value
    return known


def constant(value: ir.Value) -> ir.TensorProtocol | None:
    """The content of an initializer, of the output of a Constant, or as left by `infer`."""
    import onnx_ir as ir

    maker = value.producer()
    if value.const_value is not None or maker is None or maker.op_type != "Constant" or maker.domain:
        return value.const_value
    (attribute,) = maker.attributes.values()
    if attribute.type == ir.AttributeType.TENSOR:
        return attribute.as_tensor()  # onnx_ir would give it the name of the value, in the original model too
    return None if attribute.name == "sparse_value" else ir.convenience.get_const_tensor(value)


def _computable(model: ir.Model) -> list[ir.Node]:
    """The nodes that read nothing but constants, static shapes and each other, makers before users."""
    import onnx_ir as ir

    nodes: list[ir.Node] = []
    made: set[ir.Value] = set()
    for node in ir.traversal.RecursiveGraphIterator(model.graph):
        inputs = [value for value in node.inputs if value is not None]
        if node.op_type in ("Shape", "Size"):
            fits = static_shape(inputs[0]) is not None
        else:
            fits = all(value in made or value.const_value is not None for value in inputs) and (
                bool(inputs) or node.op_type == "Constant"
            )
        if fits and not any(bodies_of(node)):
            nodes.append(node)
            made.update(node.outputs)
    return nodes


def _computed_from(values: Collection[ir.Value], nodes: list[ir.Node]) -> list[ir.Node]:
    """Those of the nodes that the values depend on, in the same order."""
    needed: list[ir.Node] = []
    wanted = set(values)
    for node in reversed(nodes):
        if not wanted.isdisjoint(node.outputs):
            needed.append(node)
            wanted.update(value for value in node.inputs if value is not None)
    return needed[::-1]
