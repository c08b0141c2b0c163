"""A ConvTranspose as one Conv: the outputs that lie a stride apart are channels of it, interleaved afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

from rkmend.rules.conv.sliding import window_attributes
from rkmend.rules.conv.transposed import Spread, TransposedConv
from rkmend.rules.forms import reshaped, sliced
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


def by_phases(conv: TransposedConv, new: Replacement) -> ir.Value:
    """Conv, interleaving and crop; one or two spatial axes.

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
    counts = [phase.count for phase in phases]
    if prod(strides) > 1:
        shape = [conv.shape[0], conv.out_channels]
        value = reshaped(new, "phases", value, [*shape, *strides, *counts])
        order = [place for i in range(rank) for place in (2 + rank + i, 2 + i)]
        value = new.node("interleave", "Transpose", [value], {"perm": [0, 1, *order]})
        sizes = [count * stride for count, stride in zip(counts, strides, strict=True)]
        value = reshaped(new, "joined", value, [*shape, *sizes])
        starts = [axis.pad_begin % axis.stride for axis in conv.axes]
        if any(starts) or sizes != result:
            ends = [start + size for start, size in zip(starts, result, strict=True)]
            value = sliced(new, "crop", value, starts, ends, range(2, 2 + rank))
    return value


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
