"""3-D convolutions as 2-D ones: depth and channels are one axis, and the weights say which depth sees which."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from rkmend.rules.base import CannotApply
from rkmend.rules.conv.sliding import Sliding, window_attributes
from rkmend.rules.conv.transposed import TransposedConv, spread_attributes
from rkmend.rules.forms import reshaped
from rkmend.rules.operands import known_shape, numbers_of, operand

if TYPE_CHECKING:
    import onnx_ir as ir

    from rkmend.rules.conv.transposed import Spread
    from rkmend.rules.operands import Array
    from rkmend.rules.replacement import Replacement
    from rkmend.tiling.conv import Axis

LARGEST = 1 << 26
"""Weights that the 2-D convolution may have at most: 128 MB in fp16."""


def conv_on_planes(node: ir.Node, new: Replacement) -> ir.Value:
    """The 2-D Conv or ConvTranspose of a 3-D one, between Reshapes.

    Raises:
        CannotApply: The weights are not constant, or would be too many.
    """
    taps, group = numbers_of(node.inputs[1], "the weights are"), node.attributes.get_int("group", 1)
    depth: Axis | Spread
    if node.op_type == "Conv":
        conv = Sliding.read(node)
        assert conv is not None
        depth, *plane = conv.axes
        weight = _weight(taps, depth, depth.outputs, depth.size)
        attributes = window_attributes(tuple(plane), group=group)
    else:
        transposed = TransposedConv.read(node)
        assert transposed is not None
        depth, *spread = transposed.axes
        weight = _weight(taps, depth, depth.size, depth.outputs)
        attributes = spread_attributes(tuple(spread), group)
    inputs = [new.constant("weight", weight), *_bias(node, new, depth.outputs)]
    return _on_planes(node, new, inputs, attributes)


def _weight(taps: Array, depth: Axis | Spread, windows: int, elements: int) -> Array:
    """The taps of each window along the depth, at the elements of the other side that they fall on."""
    import numpy as np

    first, second, _, *kernel = taps.shape
    shape = [first, windows, second, elements, *kernel]
    if math.prod(shape) > LARGEST:
        raise CannotApply(f"the 2-D convolution would have {math.prod(shape):,} weights")
    weight = np.zeros(shape, taps.dtype)
    for window in range(windows):
        for tap in range(depth.kernel):
            element = window * depth.stride - depth.pad_begin + tap * depth.dilation
            if 0 <= element < elements:
                weight[:, window, :, element] = taps[:, :, tap]
    return weight.reshape(first * windows, second * elements, *kernel)


def _bias(node: ir.Node, new: Replacement, depth: int) -> list[ir.Value]:
    import numpy as np

    bias = operand(node, 2)
    return [] if bias is None else [new.constant("bias", np.repeat(numbers_of(bias, "the bias is"), depth))]


def _on_planes(
    node: ir.Node, new: Replacement, weights: list[ir.Value], attributes: dict[str, Any]
) -> ir.Value:
    data = node.inputs[0]
    assert data is not None
    batch, channels, depth, *plane = known_shape(data)
    value = reshaped(new, "planes", data, [batch, channels * depth, *plane])
    value = new.node("conv", node.op_type, [value, *weights], attributes)
    return reshaped(new, "result", value, known_shape(node.outputs[0]))
