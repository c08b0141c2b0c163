"""What the toolkit makes of a pooling: the stride it keeps, the outputs it counts, the small windows of a large one.

Source: own trials with toolkit 2.3.2. Outputs: 160 random poolings with `ceil_mode` on rk3588. Small windows: the layer
tables of 60 MaxPools of 8x8 to 13x13 on rk3576.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from rkmend.tiling.conv import Axis

if TYPE_CHECKING:
    import onnx_ir as ir

SMALL = 4
"""Largest window of the poolings that a large one is made of."""


def kept_stride(axis: Axis) -> int:
    """The part of its stride that a MaxPool keeps; a Conv does the rest."""
    if axis.stride <= axis.kernel:
        return axis.stride
    if axis.stride % 2 and axis.stride % axis.kernel:
        return 1
    return next(part for part in range(axis.kernel, 0, -1) if axis.stride % part == 0)


def pooled_axis(node: ir.Node, axis: Axis) -> Axis:
    """The axis of the pooling itself, padded at the end as far as the last window of the toolkit reaches."""
    axis = replace(axis, stride=kept_stride(axis)) if node.op_type == "MaxPool" else axis
    return replace(axis, pad_end=_reach(axis, _count(node, axis)))


def counted_outputs(node: ir.Node, axis: Axis) -> int:
    """How many outputs the toolkit counts: under `ceil_mode` also those whose window begins behind the data."""
    done = pooled_axis(node, axis)
    return (done.outputs - 1) // (axis.stride // done.stride) + 1


def small_windows(axis: Axis) -> Iterator[Axis]:
    """The poolings that one with a large window is made of: two of half of it each, made of smaller ones in turn."""
    size = axis.size
    for kernel, pad in _halves(axis.kernel, axis.pad_begin):
        part = Axis(size, kernel, pad_begin=pad, pad_end=pad)
        yield part
        size = part.outputs


def _halves(kernel: int, pad: int) -> list[tuple[int, int]]:
    if kernel <= SMALL:
        return [(kernel, pad)]
    first = kernel // 2 + 1
    return _halves(first, pad - pad // 2) + _halves(kernel + 1 - first, pad // 2)


def _count(node: ir.Node, axis: Axis) -> int:
    room = axis.size + axis.pad_begin + axis.pad_end - axis.extent
    return (-(-room // axis.stride) if node.attributes.get_int("ceil_mode", 0) else room // axis.stride) + 1


def _reach(axis: Axis, count: int) -> int:
    return max(0, (count - 1) * axis.stride + axis.extent - axis.size - axis.pad_begin)
