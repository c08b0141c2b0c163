"""Scales and zero points: laid along an axis, left out, and applied to integers."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx_ir as ir

    from rkmend.rules.operands import Array
    from rkmend.rules.replacement import Replacement


def along(array: Array, rank: int, axis: int) -> Array:
    """A scale or zero point, one for the whole tensor or one for each index of `axis`, so that it broadcasts."""
    if array.size == 1:
        return array.reshape(())
    shape = [1] * rank
    shape[axis % rank] = array.size
    return array.reshape(shape)


def dequantised(integers: Array, zero_point: Array | None, scale: Array) -> Array:
    """What integers stand for, in float32 as DequantizeLinear computes it; `zero_point` and `scale` broadcast."""
    import numpy as np

    offset = 0 if zero_point is None else zero_point.astype(np.int32)
    difference = (integers.astype(np.int32) - offset).astype(np.float32)
    return np.asarray(difference * scale.astype(np.float32), np.float32)


def zeros_like(new: Replacement, value: ir.Value, scale: ir.Value) -> ir.Value:
    """The zero points of a quantised value whose operator leaves them out."""
    import numpy as np

    dtype = np.dtype("uint8") if value.dtype is None else value.dtype.numpy()
    return new.constant("zero_point", np.zeros(scale.shape.numpy() if scale.shape is not None else (), dtype))
