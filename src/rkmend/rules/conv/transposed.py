"""The geometry of a ConvTranspose of any rank."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from rkmend.graph.values import static_shape
from rkmend.rules.conv.sliding import kernel_of, windows

if TYPE_CHECKING:
    import onnx_ir as ir

    from rkmend.targets import Target

OWN_STRIDES = (1, 2, 4, 8)
"""Strides that the NPU does itself on targets whose toolkit stuffs the input with zeros, on the CPU, for others."""
STUFFED = {"rk3588": False, "rk3566": True, "rk3568": True}
"""Those targets, and whether the toolkit does so with dilations as well. Of trials of single layers, 2.3.2."""


@dataclass(frozen=True)
class Spread:
    """One spatial axis of a ConvTranspose.

    Tap `j` of input element `i` is added to output element `i * stride - pad_begin + j * dilation`, where that is one
    of the `outputs`.
    """

    size: int
    kernel: int
    stride: int
    dilation: int
    pad_begin: int
    outputs: int

    @property
    def extent(self) -> int:
        """Length of the dilated kernel."""
        return (self.kernel - 1) * self.dilation + 1

    @property
    def pad_end(self) -> int:
        """What is cut off at the end; negative where the output goes on beyond the last tap."""
        return (self.size - 1) * self.stride + self.extent - self.pad_begin - self.outputs


@dataclass(frozen=True)
class TransposedConv:
    """A ConvTranspose whose shapes are all known; its padding is spelt out, however the node gives it."""

    node: ir.Node
    shape: tuple[int, ...]
    axes: tuple[Spread, ...]

    @staticmethod
    def read(node: ir.Node) -> TransposedConv | None:
        """Reads a node; None unless it is a ConvTranspose with static shapes."""
        if node.domain or node.op_type != "ConvTranspose":
            return None
        data, result, kernel = static_shape(node.inputs[0]), static_shape(node.outputs[0]), kernel_of(node)
        if data is None or result is None or kernel is None or len(data) != len(result):
            return None
        rank = len(kernel)
        strides, dilations, pads = windows(node, rank)
        extra = node.attributes.get_ints("output_padding", ()) or [0] * rank
        axes = []
        for i in range(rank):
            axis = Spread(data[2 + i], kernel[i], strides[i], dilations[i], pads[i], result[2 + i])
            if chosen_by_output(node):
                total = max(0, (axis.size - 1) * axis.stride + extra[i] + axis.extent - axis.outputs)
                upper = node.attributes.get_string("auto_pad", "NOTSET") == "SAME_UPPER"
                begin = total // 2 if upper else total - total // 2
                axis = Spread(axis.size, axis.kernel, axis.stride, axis.dilation, begin, axis.outputs)
            axes.append(axis)
        return TransposedConv(node, data, tuple(axes))

    @property
    def groups(self) -> int:
        """Number of groups."""
        return self.node.attributes.get_int("group", 1)

    def is_stuffed(self, target: Target) -> bool:
        """Whether the toolkit makes a plain Conv of it, on an input that it has stuffed with zeros."""
        if target.name not in STUFFED or all(axis.stride in OWN_STRIDES for axis in self.axes):
            return False
        return STUFFED[target.name] or all(axis.dilation == 1 for axis in self.axes)

    @cached_property
    def out_channels(self) -> int:
        """Channels of the output."""
        result = static_shape(self.node.outputs[0])
        assert result is not None
        return result[1]


def chosen_by_output(node: ir.Node) -> bool:
    """Whether a ConvTranspose leaves its padding to be computed from the shape of the output."""
    auto_pad = node.attributes.get_string("auto_pad", "NOTSET")
    return auto_pad.startswith("SAME") or "output_shape" in node.attributes


def spread_attributes(axes: tuple[Spread, ...], group: int) -> dict[str, Any]:
    """The attributes of a ConvTranspose along these axes."""
    return {
        "kernel_shape": [axis.kernel for axis in axes],
        "strides": [axis.stride for axis in axes],
        "dilations": [axis.dilation for axis in axes],
        "pads": [*(axis.pad_begin for axis in axes), *(max(0, axis.pad_end) for axis in axes)],
        "output_padding": [max(0, -axis.pad_end) for axis in axes],
        "group": group,
    }
