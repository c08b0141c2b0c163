"""What a value is made of: the input that an operator only passes on, and values that no input reaches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rkmend.graph.values import content_of, static_shape
from rkmend.rules.remembered import remembered

if TYPE_CHECKING:
    import onnx_ir as ir

_SAME_SHAPE = frozenset({"Expand", "Flatten", "Reshape", "Squeeze", "Tile", "Unsqueeze"})
"""These give elements in the order they got them, so the same shape is the same tensor."""
_VARIADIC = frozenset({"Concat", "Max", "Mean", "Min", "Sum"})
_NEUTRAL = {"Add": 0, "Div": 1, "Mul": 1, "Sub": 0}
_COMMUTATIVE = frozenset({"Add", "Mul"})
_RANDOM = frozenset({"Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform"})
_RANDOM |= {"RandomUniformLike"}


def passed_on(node: ir.Node) -> ir.Value | None:
    """The input that the first output of an operator always equals; None where it computes something."""
    if node.domain or not node.inputs or node.inputs[0] is None:
        return None
    source, result = node.inputs[0], node.outputs[0]
    kind = node.op_type
    same_shape = static_shape(source) is not None and static_shape(source) == static_shape(result)
    maker = source.producer()
    if (
        kind == "Identity"
        or (kind == "Dropout" and len(node.inputs) < 3)
        or (kind in ("Cast", "CastLike") and source.dtype is not None and source.dtype == result.dtype)
        or (kind in _SAME_SHAPE and same_shape)
        or (kind == "Transpose" and _keeps_order(node))
        or (kind in _VARIADIC and len(node.inputs) == 1)
        or (kind == "Relu" and maker is not None and maker.op_type == "Relu")
        or (same_shape and _is_neutral(kind, node.inputs[-1]))
    ):
        return source
    second = node.inputs[-1]
    if kind in _COMMUTATIVE and second is not None and _is_neutral(kind, source):
        return second if static_shape(second) == static_shape(result) else None
    return None


def origin(value: ir.Value) -> ir.Value:
    """The value that this one is a copy of, at the end of the chain; itself where it is computed."""
    node = value.producer()
    while node is not None and value is node.outputs[0] and (source := passed_on(node)) is not None:
        value, node = source, source.producer()
    return value


@remembered
def constants_of(model: ir.Model) -> set[ir.Value]:
    """The values of the main graph that no input reaches, once all shapes are static."""
    found: set[ir.Value] = set(model.graph.initializers.values())
    for node in model.graph:
        from_shape = node.op_type in ("Shape", "Size") and static_shape(node.inputs[0]) is not None
        inputs = (value for value in node.inputs if value is not None)
        if from_shape or (
            node.op_type not in _RANDOM and found.issuperset(inputs) and not _holds_graphs(node)
        ):
            found.update(node.outputs)
    return found


def _holds_graphs(node: ir.Node) -> bool:
    """Whether it has bodies, which may read what is not among its inputs."""
    import onnx_ir as ir

    kinds = (ir.AttributeType.GRAPH, ir.AttributeType.GRAPHS)
    return any(attribute.type in kinds for attribute in node.attributes.values())


def _keeps_order(node: ir.Node) -> bool:
    order = node.attributes.get_ints("perm", [])
    return bool(order) and list(order) == sorted(order)


def _is_neutral(kind: str, operand: ir.Value | None) -> bool:
    content = content_of(operand) if kind in _NEUTRAL else None
    return content is not None and bool((content == _NEUTRAL[kind]).all())
