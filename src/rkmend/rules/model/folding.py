"""Folding: what does not depend on the graph inputs becomes a constant, computed by ONNX Runtime."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from rkmend.graph.values import content_of, static_shape
from rkmend.rules.base import CannotApply
from rkmend.rules.model.tidy import drop_dead
from rkmend.rules.operands import is_constant
from rkmend.rules.remembered import remembered

if TYPE_CHECKING:
    import onnx
    import onnx_ir as ir

    from rkmend.rules.operands import Array

LARGEST = 1 << 24
"""Elements of a tensor up to which it is stored: a larger one is better computed than shipped (64 MB in float32)."""
RANDOM = frozenset(
    {"Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike"}
)


@remembered
def foldable(model: ir.Model) -> list[ir.Node]:
    """The operators of the main graph that give constants, in graph order.

    Their inputs are constants, or their content follows from shapes alone. Constant nodes are not among them, nor
    what a graph output comes from, nor what would become too large.
    """
    found: dict[ir.Node, None] = {}
    for node in model.graph:
        known = all(content_of(value) is not None for value in node.outputs if value.name)
        if (known or all(_is_constant(value, found) for value in node.inputs)) and _may_go(node):
            found[node] = None
    return list(found)


def fold(model: ir.Model, nodes: Collection[ir.Node]) -> None:
    """Computes operators and puts the results in their place.

    Args:
        model: Changed in place.
        nodes: Some of `foldable`, with all of those that they depend on.

    Raises:
        CannotApply: ONNX Runtime does not compute them.
    """
    import onnx_ir as ir

    gone = set(nodes)
    read = [value for node in nodes for value in node.outputs if _read_outside(value, gone)]
    contents = _contents(model, read)
    held = {}
    for value in read:
        array = contents[value]
        constant = ir.val(str(value.name), const_value=ir.tensor(array, name=value.name))
        ir.convenience.replace_all_uses_with(value, constant)
        held[str(value.name)] = constant
    for node in reversed(list(nodes)):
        model.graph.remove(node, safe=True)
    for constant in held.values():
        model.graph.register_initializer(constant)
    drop_dead(model)


def _may_go(node: ir.Node) -> bool:
    """Whether a node can be replaced by its result: one that is alike every time, of a size that can be stored."""
    import onnx_ir as ir

    return (
        node.op_type not in RANDOM | {"Constant"}
        and not any(attribute.type == ir.AttributeType.GRAPH for attribute in node.attributes.values())
        and not any(value.is_graph_output() for value in node.outputs)
        and all(_storable(value) for value in node.outputs if value.name)
    )


def _storable(value: ir.Value) -> bool:
    shape = static_shape(value)
    return shape is not None and math.prod(shape) <= LARGEST and value.dtype is not None


def _is_constant(value: ir.Value | None, found: Collection[ir.Node]) -> bool:
    """Whether a value is none, a constant, or made by the operators found so far."""
    return value is None or (not value.is_graph_input() and is_constant(value)) or value.producer() in found


def _read_outside(value: ir.Value, gone: Collection[ir.Node]) -> bool:
    return any(use.node not in gone for use in value.uses())


def _contents(model: ir.Model, values: Collection[ir.Value]) -> dict[ir.Value, Array]:
    """The content of values that depend on no graph input."""
    import onnx_ir as ir

    contents = {value: array for value in values if (array := content_of(value)) is not None}
    if computed := [value for value in values if value not in contents]:
        part = ir.convenience.extract(model.graph, *_edges(computed))
        fed = {str(value.name): content_of(value) for value in part.inputs}
        results = _run(ir.to_proto(ir.Model(part, ir_version=max(model.ir_version, 4))), fed)
        contents.update(zip(computed, results, strict=True))
    return contents


def _edges(values: Collection[ir.Value]) -> tuple[list[str], list[str]]:
    """Names of the values from which others are computed, which inference knows, and of these."""
    known: dict[str, None] = {}
    pending, seen = list(values), set(values)
    while pending:
        node = pending.pop().producer()
        for value in node.inputs if node is not None else ():
            if value is None or value in seen:
                continue
            seen.add(value)
            if value.producer() is not None and content_of(value) is not None:
                known[str(value.name)] = None
            else:
                pending.append(value)
    return list(known), [str(value.name) for value in values]


def _run(proto: onnx.ModelProto, fed: dict[str, Any]) -> list[Array]:
    """The outputs of a model in ONNX Runtime, computed as it is written."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    try:
        session = ort.InferenceSession(proto.SerializeToString(), options, providers=["CPUExecutionProvider"])
        results: list[Array] = session.run(None, fed)
    except Exception as error:  # its exceptions have no common class of their own
        raise CannotApply(f"ONNX Runtime does not compute the constants: {error}") from error
    return results
