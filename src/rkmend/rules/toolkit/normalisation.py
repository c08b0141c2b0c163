"""A normalisation written in single operators: (x - mean(x)) / sqrt(variance(x) + epsilon)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rkmend.graph.values import static_shape
from rkmend.rules.operands import is_constant, known_shape, number_of, reduced_axes

if TYPE_CHECKING:
    import onnx_ir as ir


@dataclass(frozen=True)
class Normalisation:
    """What was matched.

    Attributes:
        nodes: In graph order; the last divides by the deviation.
        value: What is normalised.
        axes: Normalised axes of more than one element, of the result; the last ones of all such axes, ascending.
        epsilon: Added to the variance.
        turns: Transposes between `value` and the result.
    """

    nodes: tuple[ir.Node, ...]
    value: ir.Value
    axes: tuple[int, ...]
    epsilon: float
    turns: tuple[ir.Node, ...]

    def partly_scaled(self) -> bool:
        """Whether a constant factor follows, and it or the shift after it differs along some of the axes only."""
        factor = _constant_after(self.nodes[-1], ("Mul",))
        if factor is None:
            return False
        shift = _constant_after(factor[0], ("Add", "Sub"))
        return any(self._is_partial(found[1]) for found in (factor, shift) if found is not None)

    def _is_partial(self, shape: Sequence[int]) -> bool:
        offset = len(known_shape(self.nodes[-1].outputs[0])) - len(shape)
        varied = {offset + axis for axis, size in enumerate(shape) if size > 1}
        return bool(varied & set(self.axes)) and not varied >= set(self.axes)


def match_normalisation(division: ir.Node) -> Normalisation | None:
    """The normalisation that ends in this Div; static shapes.

    Where all axes are normalised Transposes may stand inside, as converters from TensorFlow leave them.
    """
    if division.op_type != "Div":
        return None
    centred, turns = _through(division.inputs[0], ("Transpose",))
    root = _made_by(division.inputs[1], ("Sqrt",))
    addition = _made_by(root.inputs[0], ("Add",)) if root else None
    variance = _made_by(addition.inputs[0], ("ReduceMean",)) if addition else None
    square = _made_by(variance.inputs[0], ("Mul", "Pow")) if variance else None
    subtraction = _made_by(centred, ("Sub",))
    if root is None or addition is None or variance is None or square is None or subtraction is None:
        return None
    squared, turns_before_square = _through(square.inputs[0], ("Transpose",))
    value = subtraction.inputs[0]
    given, views = _through(subtraction.inputs[1], ("Reshape", "Transpose"))
    mean = _made_by(given, ("ReduceMean",))
    if value is None or mean is None or squared is not centred or not _squares(square):
        return None
    averaged, turns_before_mean = _through(mean.inputs[0], ("Transpose",))
    epsilon = number_of(addition.inputs[1])
    if averaged is not _through(value, ("Transpose",))[0] or epsilon is None:
        return None
    moved = [*views, *turns_before_mean, *turns_before_square, *turns]
    span, shape = _axes(variance), static_shape(division.outputs[0])
    if shape is None or span is None or span != _axes(mean):
        return None
    wide = [axis for axis, size in enumerate(shape) if size > 1]
    axes = [axis for axis in wide if axis in span]
    if (moved and axes != wide) or len(axes) < 2 or wide[-len(axes) :] != axes:
        return None
    nodes = {*moved, mean, subtraction, square, variance, addition, root, division}
    graph = division.graph
    assert graph is not None
    ordered = tuple(node for node in graph if node in nodes)
    return Normalisation(ordered, value, tuple(axes), epsilon, tuple(reversed(turns)))


def _made_by(value: ir.Value | None, kinds: Sequence[str]) -> ir.Node | None:
    node = value.producer() if value is not None else None
    return node if node is not None and node.op_type in kinds else None


def _through(value: ir.Value | None, kinds: Sequence[str]) -> tuple[ir.Value | None, list[ir.Node]]:
    """Where a tensor comes from before operators of these kinds, and these, the last first."""
    passed = []
    while (node := _made_by(value, kinds)) is not None:
        passed.append(node)
        value = node.inputs[0]
    return value, passed


def _squares(node: ir.Node) -> bool:
    return node.inputs[0] is node.inputs[1] if node.op_type == "Mul" else number_of(node.inputs[1]) == 2


def _axes(node: ir.Node) -> list[int] | None:
    """The axes of more than one element that a ReduceMean takes the mean over."""
    shape, axes = static_shape(node.inputs[0]), reduced_axes(node)
    return None if shape is None or axes is None else [axis for axis in axes if shape[axis] > 1]


def _constant_after(node: ir.Node, kinds: Sequence[str]) -> tuple[ir.Node, Sequence[int]] | None:
    """The operator of these kinds that joins the result of a node with a constant, and the shape of that."""
    for use in node.outputs[0].uses():
        if use.node.op_type in kinds:
            other = use.node.inputs[1 - use.idx]
            if is_constant(other):
                return use.node, known_shape(other)
    return None
