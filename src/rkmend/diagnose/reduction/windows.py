"""Windows: how the spatial sizes of a Conv's or a pooling's output follow from those of its input, and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rkmend.graph.values import static_shape

if TYPE_CHECKING:
    import onnx_ir as ir

WEIGHTS = {"Conv": 1, "FusedConv": 1, "ConvTranspose": 1, "ConvInteger": 1, "QLinearConv": 3}
"""Which input of a Conv its weights are."""
_POOLS = ("AveragePool", "MaxPool", "LpPool")


@dataclass(frozen=True)
class Window:
    """What an operator does along one axis; see the ONNX specification of Conv, ConvTranspose and MaxPool.

    Attributes:
        stride: Of the window.
        extent: Length of the window: the dilated kernel.
        pads: At both ends together; of a transposed one less the output padding.
        same: `auto_pad` is SAME: the stride alone decides.
        ceil: The last window may reach beyond the end.
        transposed: Whether the input is to the output as otherwise the output is to the input.
    """

    stride: int
    extent: int
    pads: int
    same: bool = False
    ceil: bool = False
    transposed: bool = False

    def outputs(self, size: int) -> int:
        """The output size."""
        return self._wide(size) if self.transposed else self._narrow(size)

    def inputs(self, size: int) -> int:
        """The smallest input size that gives the output size, if any does."""
        return self._narrow(size) if self.transposed else self._wide(size)

    def _narrow(self, size: int) -> int:
        if self.same:
            return -(-size // self.stride)
        room = size + self.pads - self.extent
        return (-(-room // self.stride) if self.ceil else room // self.stride) + 1

    def _wide(self, size: int) -> int:
        if self.same:
            return size * self.stride if self.transposed else (size - 1) * self.stride + 1
        return (size - 1) * self.stride + self.extent - self.pads


def windows(node: ir.Node) -> list[Window]:
    """The windows of an operator along axis 2, 3, ...; none when it has none."""
    data = static_shape(node.inputs[0]) if node.inputs else None
    if data is None or node.op_type not in (*WEIGHTS, *_POOLS):
        return []
    rank = len(data) - 2
    kernel = node.attributes.get_ints("kernel_shape", ())
    if node.op_type in WEIGHTS:
        kernel = (static_shape(node.inputs[WEIGHTS[node.op_type]]) or ())[2:]
    if len(kernel or ()) != rank:
        return []
    transposed = node.op_type == "ConvTranspose"
    strides, dilations = (
        node.attributes.get_ints(name, ()) or [1] * rank for name in ("strides", "dilations")
    )
    auto_pad = node.attributes.get_string("auto_pad", "NOTSET")
    pads = (node.attributes.get_ints("pads", ()) if auto_pad == "NOTSET" else ()) or [0] * (2 * rank)
    more = node.attributes.get_ints("output_padding", ()) or [0] * rank
    return [
        Window(
            stride=strides[axis],
            extent=(kernel[axis] - 1) * dilations[axis] + 1,
            pads=pads[axis] + pads[rank + axis] - more[axis],
            same=auto_pad.startswith("SAME"),
            ceil=bool(node.attributes.get_int("ceil_mode", 0)),
            transposed=transposed,
        )
        for axis in range(rank)
    ]
