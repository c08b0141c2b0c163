"""The root of a mean or sum of squares, in the forms in which models write it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rkmend.graph.values import content_of, static_shape

if TYPE_CHECKING:
    import onnx_ir as ir

SQUARING = ("ReduceSumSquare", "ReduceL2")
SUMMING = ("ReduceSum", "ReduceMean")


@dataclass(frozen=True)
class Root:
    """The root of a mean or sum of squares.

    Attributes:
        nodes: All that take part, in graph order; the last one gives the root.
        base: What is squared.
        reduce: The operator that sums.
        epsilon: Is added to the sum.
    """

    nodes: tuple[ir.Node, ...]
    base: ir.Value
    reduce: ir.Node
    epsilon: ir.Value | None


def root_of(node: ir.Node) -> Root | None:
    """What a node gives the root of, if that is a sum of squares that nothing else reads."""
    if static_shape(node.outputs[0]) is None:
        return None
    if node.op_type == "ReduceL2":
        return _summed(node, None, ())
    if node.op_type != "Sqrt":
        return None
    maker = _only_maker(node.inputs[0])
    if maker is None or maker.op_type != "Add":
        return _summed(maker, None, (node,))
    numbers = [value for value in maker.inputs if _number(value) is not None]
    others = [value for value in maker.inputs if value not in numbers]
    if len(numbers) != 1 or len(others) != 1:
        return None
    return _summed(_only_maker(others[0]), numbers[0], (maker, node))


def _summed(reduce: ir.Node | None, epsilon: ir.Value | None, after: tuple[ir.Node, ...]) -> Root | None:
    """The root that a reduction ends in."""
    if reduce is None or reduce.op_type not in (*SQUARING, *SUMMING) or axes_of(reduce) is None:
        return None
    base, nodes = reduce.inputs[0], (reduce, *after)
    if reduce.op_type in SUMMING:
        square = _only_maker(base)
        if square is None or not _squares(square):
            return None
        base, nodes = square.inputs[0], (square, *nodes)
    return Root(nodes, base, reduce, epsilon) if base is not None and static_shape(base) else None


def _squares(node: ir.Node) -> bool:
    if node.op_type == "Mul":
        return node.inputs[0] is node.inputs[1]
    return node.op_type == "Pow" and _number(node.inputs[1]) == 2.0


def _number(value: ir.Value | None) -> float | None:
    content = content_of(value)
    return float(content.reshape(-1)[0]) if content is not None and content.size == 1 else None


def _only_maker(value: ir.Value | None) -> ir.Node | None:
    """The node that makes a value, if one input of one node alone reads it."""
    if value is None or value.is_graph_output() or len(value.uses()) != 1:
        return None
    return value.producer()


def axes_of(node: ir.Node) -> list[int] | None:
    """The axes that are reduced; None where they are not known, or none are."""
    rank = len(static_shape(node.inputs[0]) or ())
    axes: Sequence[int] = node.attributes.get_ints("axes", ())
    if len(node.inputs) > 1 and node.inputs[1] is not None:
        content = content_of(node.inputs[1])
        if content is None:
            return None
        axes = [int(axis) for axis in content]
    if not axes and (node.attributes.get_int("noop_with_empty_axes", 0) == 1 or not rank):
        return None
    return sorted(axis % rank for axis in axes) or list(range(rank))
