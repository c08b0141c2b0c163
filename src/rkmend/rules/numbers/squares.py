"""The root of a mean or sum of squares, in the forms in which models write it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rkmend.graph.values import static_shape
from rkmend.rules.operands import number_of, only_maker, reduced_axes

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
    maker = only_maker(node.inputs[0])
    if maker is None or maker.op_type != "Add":
        return _summed(maker, None, (node,))
    numbers = [value for value in maker.inputs if number_of(value) is not None]
    others = [value for value in maker.inputs if value not in numbers]
    if len(numbers) != 1 or len(others) != 1:
        return None
    return _summed(only_maker(others[0]), numbers[0], (maker, node))


def _summed(reduce: ir.Node | None, epsilon: ir.Value | None, after: tuple[ir.Node, ...]) -> Root | None:
    """The root that a reduction ends in."""
    if reduce is None or reduce.op_type not in (*SQUARING, *SUMMING) or not reduced_axes(reduce):
        return None
    base, nodes = reduce.inputs[0], (reduce, *after)
    if reduce.op_type in SUMMING:
        square = only_maker(base)
        if square is None or not squares(square):
            return None
        base, nodes = square.inputs[0], (square, *nodes)
    return Root(nodes, base, reduce, epsilon) if base is not None and static_shape(base) else None


def squares(node: ir.Node) -> bool:
    """Whether a node squares its first operand."""
    if node.op_type == "Mul":
        return node.inputs[0] is node.inputs[1]
    return node.op_type == "Pow" and number_of(node.inputs[1]) == 2.0
