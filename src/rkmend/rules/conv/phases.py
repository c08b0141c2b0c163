"""A ConvTranspose as one Conv: the outputs that lie a stride apart are channels of it, interleaved afterwards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

from rkmend.rules.conv.sliding import window_attributes
from rkmend.rules.conv.transposed import Spread, TransposedConv
from rkmend.rules.forms import joined, reshaped, sliced, split
from rkmend.rules.operands import numbers_of
from rkmend.tiling.conv import Axis

if TYPE_CHECKING:
    import onnx_ir as ir

    from rkmend.rules.operands import Array
    from rkmend.rules.replacement import Replacement


@dataclass(frozen=True)
class _Phases:
    """One axis: output element `(first + q) * stride + phase` comes from input elements up to `first + q`."""

    axis: Spread

    @property
    def taps(self) -> int:
        """Input elements that one output sees at most."""
        return (self.axis.extent - 1) // self.axis.stride + 1

    @property
    def first(self) -> int:
        """Input element that is the last one that the first output sees."""
        return self.axis.pad_begin // self.axis.stride

    @property
    def count(self) -> int:
        """Outputs of each phase."""
        return (self.axis.outputs - 1 + self.axis.pad_begin) // self.axis.stride - self.first + 1

    @property
    def skip(self) -> int:
        """Input elements at the begin that no output sees."""
        return max(0, self.first - self.taps + 1)

    @property
    def cropped(self) -> int:
        """Input elements that are read, or lie between such."""
        return min(self.axis.size, self.first + self.count) - self.skip

    def conv(self) -> Axis:
        """The axis of the Conv."""
        begin = max(0, self.taps - 1 - self.first)
        end = self.count - 1 + self.taps - begin - self.cropped
        return Axis(self.cropped, self.taps, pad_begin=begin, pad_end=end)


Interleave = Callable[["Replacement", "ir.Value", "_Channels"], "ir.Value"]
"""Puts the phases of a Conv's outputs, which are channels, between each other."""


@dataclass(frozen=True)
class _Channels:
    """What the channels of the Conv are: `kernels` x a phase for each axis."""

    batch: int
    kernels: int
    strides: tuple[int, ...]
    counts: tuple[int, ...]
    """Outputs of each phase."""

    @property
    def sizes(self) -> tuple[int, ...]:
        """Outputs of all phases."""
        return tuple(count * stride for count, stride in zip(self.counts, self.strides, strict=True))


def by_phases(conv: TransposedConv, new: Replacement, interleave: Interleave | None = None) -> ir.Value:
    """Conv, interleaving and crop; one or two spatial axes.

    Args:
        conv: The ConvTranspose.
        new: Makes the nodes.
        interleave: `by_joins` unless given.

    Raises:
        CannotApply: The weights or the bias are not constant.
    """
    import numpy as np

    phases = [_Phases(axis) for axis in conv.axes]
    rank, strides = len(phases), [axis.stride for axis in conv.axes]
    value, result = conv.node.inputs[0], [axis.outputs for axis in conv.axes]
    assert value is not None
    if any(phase.cropped < phase.axis.size for phase in phases):
        starts = [phase.skip for phase in phases]
        ends = [phase.skip + phase.cropped for phase in phases]
        value = sliced(new, "seen", value, starts, ends, range(2, 2 + rank))
    weight = _weight(numbers_of(conv.node.inputs[1], "the weights are"), conv, phases)
    inputs = [value, new.constant("weight", np.ascontiguousarray(weight))]
    if len(conv.node.inputs) > 2 and conv.node.inputs[2] is not None:
        bias = numbers_of(conv.node.inputs[2], "the bias is")
        inputs.append(new.constant("bias", np.repeat(bias, prod(strides))))
    axes = tuple(phase.conv() for phase in phases)
    value = new.node("conv", "Conv", inputs, window_attributes(axes, group=conv.groups))
    if prod(strides) > 1:
        counts = tuple(phase.count for phase in phases)
        channels = _Channels(conv.shape[0], conv.out_channels, tuple(strides), counts)
        value = (interleave or by_joins)(new, value, channels)
        starts = [axis.pad_begin % axis.stride for axis in conv.axes]
        if any(starts) or channels.sizes != tuple(result):
            ends = [start + size for start, size in zip(starts, result, strict=True)]
            value = sliced(new, "crop", value, starts, ends, range(2, 2 + rank))
    return value


def by_joins(new: Replacement, value: ir.Value, channels: _Channels) -> ir.Value:
    """Takes the phases apart and joins them, columns before rows, on no more than four axes.

    The toolkit turns a Transpose of six axes into a ConvTranspose over all channels with the same stride: own trials,
    2.3.2, rk3588: 5 to 1,700 times the cycles, and for rk3576 and rk3562 a stride over 8 overflows once more.
    """
    high, wide = (1, *channels.strides)[-2:]
    rows, cols = (1, *channels.counts)[-2:]
    maps = channels.batch * channels.kernels * high
    if wide > 1:
        value = reshaped(new, "columns", value, [maps, wide, rows, cols])
        parts = [
            reshaped(new, f"column_{number}", part, [maps, rows, cols, 1])
            for number, part in enumerate(split(new, "column", value, 1, [1] * wide))
        ]
        value = joined(new, "wide", parts, 3)
    if high > 1:
        maps, cols = maps // high, cols * wide
        value = reshaped(new, "rows", value, [maps, high, rows, cols])
        parts = [
            reshaped(new, f"row_{number}", part, [1, maps * rows, 1, cols])
            for number, part in enumerate(split(new, "row", value, 1, [1] * high))
        ]
        value = joined(new, "high", parts, 2)
    return reshaped(new, "joined", value, [channels.batch, channels.kernels, *channels.sizes])


def by_transpose(new: Replacement, value: ir.Value, channels: _Channels) -> ir.Value:
    """One Transpose of all axes: works on large maps of few channels, where `by_joins` overflows a register."""
    shape, rank = [channels.batch, channels.kernels], len(channels.strides)
    value = reshaped(new, "phases", value, [*shape, *channels.strides, *channels.counts])
    order = [place for axis in range(rank) for place in (2 + rank + axis, 2 + axis)]
    value = new.node("interleave", "Transpose", [value], {"perm": [0, 1, *order]})
    return reshaped(new, "joined", value, [*shape, *channels.sizes])


def _weight(taps: Array, conv: TransposedConv, phases: list[_Phases]) -> Array:
    """[K * phases, C / groups, taps]: the kernel on the dense grid, cut into strides and turned round."""
    import numpy as np

    rank, groups = len(phases), conv.groups
    channels, kernels = taps.shape[:2]
    dense = np.zeros([channels, kernels, *(phase.taps * phase.axis.stride for phase in phases)], taps.dtype)
    grid = (slice(None), slice(None), *(slice(0, p.axis.extent, p.axis.dilation) for p in phases))
    dense[grid] = taps
    split = [size for phase in phases for size in (phase.taps, phase.axis.stride)]
    cut = dense.reshape([groups, channels // groups, kernels, *split])
    cut = np.flip(cut, axis=tuple(3 + 2 * i for i in range(rank)))
    order = [0, 2, *(4 + 2 * i for i in range(rank)), 1, *(3 + 2 * i for i in range(rank))]
    shape = [groups * kernels * prod(phase.axis.stride for phase in phases), channels // groups]
    turned: Array = cut.transpose(order).reshape([*shape, *(phase.taps for phase in phases)])
    return turned
