"""MaxPool and AveragePool with their padding spelt out, so that `ceil_mode` is not needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rkmend.rules.base import CannotApply
from rkmend.rules.conv.sliding import Sliding, window_attributes
from rkmend.tiling.conv import Axis

if TYPE_CHECKING:
    from collections.abc import Sequence

    import onnx_ir as ir

    from rkmend.rules.operands import Array
    from rkmend.rules.replacement import Replacement


def counts_padding(node: ir.Node) -> bool:
    """Whether an AveragePool divides by the size of the window, padding and all."""
    return bool(node.attributes.get_int("count_include_pad", 0))


def demand_no_indices(node: ir.Node) -> None:
    """Makes sure that nobody wants to know where the largest elements are.

    Raises:
        CannotApply: Somebody does.
    """
    if any(output.uses() or output.is_graph_output() for output in node.outputs[1:]):
        raise CannotApply("the indices of the largest elements are read")


def reaches_uncounted(pool: Sliding) -> bool:
    """Whether a last window reaches beyond the padding; what is there never counts."""
    return any(end.pad_end > axis.pad_end for end, axis in zip(pool.reaching(), pool.axes, strict=True))


def pool_attributes(axes: Sequence[Axis]) -> dict[str, Any]:
    """The attributes of a pooling along these axes.

    Raises:
        CannotApply: Some padding is not less than the kernel, which ONNX Runtime does not take.
    """
    if any(max(axis.pad_begin, axis.pad_end) >= axis.kernel for axis in axes):
        raise CannotApply("the last window reaches beyond the data by more than its kernel")
    attributes = window_attributes(tuple(axes))
    if all(axis.dilation == 1 for axis in axes):
        del attributes["dilations"]  # operator sets before 10 (MaxPool) and 19 (AveragePool) have none
    return attributes


def pooled(
    new: Replacement, part: str, node: ir.Node, value: ir.Value, pool: Sliding, along: Sequence[int]
) -> ir.Value:
    """One pooling as `node` does it, along some of its axes; on the others windows have one element.

    Args:
        new: Takes the nodes.
        part: Their name.
        node: MaxPool or AveragePool.
        value: Has the rank of `along`, and two axes in front.
        pool: What `node` reads as.
        along: For each spatial axis of `value` the axis of the pool, or -1 for one to leave alone.
    """
    axes = tuple(pool.reaching()[i] if i >= 0 else Axis(1, 1) for i in along)
    attributes = pool_attributes(axes)
    counted = node.op_type == "AveragePool" and counts_padding(node)
    if counted:
        attributes["count_include_pad"] = 1
    value = new.node(part, node.op_type, [value], attributes)
    if counted and reaches_uncounted(pool):
        value = new.node(
            f"{part}_mean", "Mul", [value, new.constant(f"{part}_factor", factor_beyond(pool, along))]
        )
    return value


def factor_beyond(pool: Sliding, along: Sequence[int]) -> Array:
    """Size of the window by how many of its elements count, for each output."""
    import numpy as np

    factor: Array = np.ones([1] * (2 + len(along)), np.float32)
    for place, i in enumerate(along, start=2):
        if i >= 0:
            axis, count = pool.axes[i], pool.outputs[i]
            last = axis.size + axis.pad_end - 1
            counted = [
                sum(first + tap * axis.dilation <= last for tap in range(axis.kernel))
                for first in range(-axis.pad_begin, count * axis.stride - axis.pad_begin, axis.stride)
            ]
            shape = [1] * factor.ndim
            shape[place] = count
            factor = factor * (axis.kernel / np.array(counted, np.float32)).reshape(shape)
    return factor.astype(np.float32)
