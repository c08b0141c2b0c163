"""Sliding windows of any rank: convolutions and pooling with their geometry spelt out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from rkmend.graph.values import static_shape
from rkmend.rules.operands import operand
from rkmend.rules.remembered import remembered_of_node
from rkmend.tiling.conv import Axis, window_axes

if TYPE_CHECKING:
    import onnx_ir as ir


@dataclass(frozen=True)
class Sliding:
    """A Conv, MaxPool or AveragePool whose shapes are all known.

    Attributes:
        shape: Of the data.
        axes: The spatial axes, their padding spelt out.
        outputs: Sizes of the spatial axes of the output. Under `ceil_mode` the last window may reach beyond the
            padding, so that there is one more than `axes` says. (The shapes that `onnx` infers are wrong for some.)
    """

    shape: tuple[int, ...]
    axes: tuple[Axis, ...]
    outputs: tuple[int, ...]

    @staticmethod
    @remembered_of_node
    def read(node: ir.Node) -> Sliding | None:
        """Reads a node; None where a shape is open."""
        data, kernel = static_shape(node.inputs[0]), kernel_of(node)
        if data is None or kernel is None or len(kernel) != len(data) - 2:
            return None
        strides, dilations, pads = windows(node, len(kernel))
        auto_pad = node.attributes.get_string("auto_pad", "NOTSET")
        axes = window_axes(auto_pad, data[2:], kernel, strides, dilations, pads)
        ceil = bool(node.attributes.get_int("ceil_mode", 0)) and auto_pad == "NOTSET"
        return Sliding(data, axes, tuple(_outputs(axis) if ceil else axis.outputs for axis in axes))

    def reaching(self) -> tuple[Axis, ...]:
        """The axes, padded at the end just as far as the last window reaches."""
        return tuple(
            replace(
                axis, pad_end=max(0, (count - 1) * axis.stride + axis.extent - axis.size - axis.pad_begin)
            )
            for axis, count in zip(self.axes, self.outputs, strict=True)
        )


def _outputs(axis: Axis) -> int:
    """Outputs under `ceil_mode`: no window begins behind the data."""
    whole = -(-(axis.size + axis.pad_begin + axis.pad_end - axis.extent) // axis.stride) + 1
    return min(whole, (axis.size + axis.pad_begin - 1) // axis.stride + 1)


def windows(node: ir.Node, rank: int) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """Strides, dilations and pads of a node, with the defaults of ONNX."""
    ints = node.attributes.get_ints
    strides, dilations = ints("strides", ()) or (1,) * rank, ints("dilations", ()) or (1,) * rank
    return tuple(strides), tuple(dilations), tuple(ints("pads", ()) or (0,) * 2 * rank)


def kernel_of(node: ir.Node) -> tuple[int, ...] | None:
    """Sizes of the kernel: an attribute, or those of the weight."""
    if "kernel_shape" in node.attributes:
        return tuple(node.attributes.get_ints("kernel_shape", ()))
    weight = static_shape(operand(node, 1))
    return None if weight is None else weight[2:]


def window_attributes(axes: tuple[Axis, ...], **more: object) -> dict[str, Any]:
    """The attributes of a convolution or a pooling along these axes."""
    return {
        "kernel_shape": [axis.kernel for axis in axes],
        "strides": [axis.stride for axis in axes],
        "dilations": [axis.dilation for axis in axes],
        "pads": [*(axis.pad_begin for axis in axes), *(axis.pad_end for axis in axes)],
        **more,
    }
