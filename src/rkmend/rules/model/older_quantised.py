"""QuantizeLinear and DequantizeLinear with blocks or 16-bit numbers, in the arithmetic that defines them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rkmend.graph.values import static_shape
from rkmend.rules.base import CannotApply
from rkmend.rules.forms import clipped, reshaped
from rkmend.rules.replacement import Replacement

if TYPE_CHECKING:
    import onnx_ir as ir


def dequantize(node: ir.Node, new: Replacement) -> ir.Value:
    """(x - zero point) * scale."""
    import onnx_ir as ir

    data, scale, *points = node.inputs
    assert data is not None and scale is not None
    if data.dtype in (ir.DataType.INT4, ir.DataType.UINT4) or data.dtype is None:
        raise CannotApply(f"DequantizeLinear '{node.name}': 4-bit numbers that are not constant")
    layout = _Layout(node, new, data, scale)
    number = new.node("number", "Cast", [layout.split(data)], {"to": scale.dtype or ir.DataType.FLOAT})
    if points and points[0] is not None:
        point = new.node("point", "Cast", [points[0]], {"to": scale.dtype or ir.DataType.FLOAT})
        number = new.node("centred", "Sub", [number, layout.spread("point_at", point)])
    return layout.join(new.node("scaled", "Mul", [number, layout.spread("scale_at", scale)]))


def quantize(node: ir.Node, new: Replacement) -> ir.Value:
    """Round(x / scale) + zero point, limited to the range of the dtype; Round goes to the even number, as ONNX says."""
    import numpy as np
    import onnx_ir as ir

    data, scale, *points = node.inputs
    kind = node.outputs[0].dtype
    assert data is not None and scale is not None
    if kind not in (ir.DataType.INT8, ir.DataType.UINT8, ir.DataType.INT16, ir.DataType.UINT16):
        raise CannotApply(f"QuantizeLinear '{node.name}': no older operator gives {kind}")
    layout = _Layout(node, new, data, scale)
    number = new.node(
        "rounded", "Round", [new.node("steps", "Div", [layout.split(data), layout.spread("scale_at", scale)])]
    )
    if points and points[0] is not None:
        point = new.node("point", "Cast", [points[0]], {"to": data.dtype or ir.DataType.FLOAT})
        number = new.node("shifted", "Add", [number, layout.spread("point_at", point)])
    limits = np.iinfo(kind.numpy())
    dtype = (data.dtype or ir.DataType.FLOAT).numpy()
    limited = clipped(new, "limited", number, limits.min, limits.max, dtype)
    return layout.join(new.node("whole", "Cast", [limited], {"to": kind}))


class _Layout:
    """How scales lie along a tensor: one for all, one for each place of an axis, or one for each block of it."""

    def __init__(self, node: ir.Node, new: Replacement, data: ir.Value, scale: ir.Value) -> None:
        shape, scales = static_shape(data), static_shape(scale)
        if shape is None or scales is None:
            raise CannotApply(f"{node.op_type} '{node.name}': its shape is not known")
        self._new, self._shape, self._scales = new, shape, scales
        self._axis = node.attributes.get_int("axis", 1) % max(len(shape), 1) if scales else 0
        self._block = node.attributes.get_int("block_size", 0)
        if self._block and shape[self._axis] % self._block:
            raise CannotApply(f"{node.op_type} '{node.name}': its last block is not full")

    def split(self, data: ir.Value) -> ir.Value:
        """The tensor, with an axis of its own for what is in a block."""
        axis = self._axis
        if not self._block:
            return data
        return reshaped(
            self._new, "blocks", data, [*self._shape[:axis], -1, self._block, *self._shape[axis + 1 :]]
        )

    def spread(self, part: str, values: ir.Value) -> ir.Value:
        """Scales or zero points, so that they broadcast."""
        if self._block:
            axis = self._axis + 1
            return reshaped(self._new, part, values, [*self._scales[:axis], 1, *self._scales[axis:]])
        if len(self._scales) != 1 or self._scales == (1,):
            return values
        return reshaped(self._new, part, values, [-1] + [1] * (len(self._shape) - 1 - self._axis))

    def join(self, data: ir.Value) -> ir.Value:
        """Back to the shape of the tensor."""
        return reshaped(self._new, "joined", data, list(self._shape)) if self._block else data
