"""3-D convolutions as 2-D ones: depth and channels are one axis, and the weights say which depth sees which."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from rkmend.rules.base import CannotApply
from rkmend.rules.conv.moves import reshape
from rkmend.rules.conv.sliding import Sliding, known_shape, numbers_of, window_attributes
from rkmend.rules.conv.transposed import TransposedConv, spread_attributes

if TYPE_CHECKING:
    import numpy as np
    import onnx_ir as ir

    from rkmend.rules.conv.sliding import Array
    from rkmend.rules.replacement import Replacement

LARGEST = 1 << 26
"""Weights that the 2-D convolution may have at most: 128 MB in fp16."""


def conv_3d(node: ir.Node, new: Replacement) -> ir.Value:
    """The 2-D Conv of a 3-D Conv, between Reshapes.

    Raises:
        CannotApply: The weights are not constant, or would be too many.
    """
    import numpy as np

    conv = Sliding.read(node)
    if conv is None:
        raise CannotApply(f"the shapes of '{node.name}' are not all known")
    taps = numbers_of(node.inputs[1], "the weights are")
    depth, *plane = conv.axes
    kernels, channels, _, *kernel = taps.shape
    weight = _zeros([kernels, depth.outputs, channels, depth.size, *kernel], taps.dtype)
    for output in range(depth.outputs):
        for tap, source in _seen(
            output * depth.stride - depth.pad_begin, depth.kernel, depth.dilation, depth.size
        ):
            weight[:, output, :, source] = taps[:, :, tap]
    weight = weight.reshape(kernels * depth.outputs, channels * depth.size, *kernel)
    inputs = [new.constant("weight", np.ascontiguousarray(weight)), *_bias(node, new, depth.outputs)]
    attributes = window_attributes(tuple(plane), group=node.attributes.get_int("group", 1))
    return _on_planes(node, new, inputs, attributes)


def conv_transpose_3d(node: ir.Node, new: Replacement) -> ir.Value:
    """The 2-D ConvTranspose of a 3-D ConvTranspose, between Reshapes.

    Raises:
        CannotApply: The weights are not constant, or would be too many.
    """
    import numpy as np

    conv = TransposedConv.read(node)
    if conv is None:
        raise CannotApply(f"the shapes of '{node.name}' are not all known")
    taps = numbers_of(node.inputs[1], "the weights are")
    depth, *plane = conv.axes
    channels, kernels, _, *kernel = taps.shape
    weight = _zeros([channels, depth.size, kernels, depth.outputs, *kernel], taps.dtype)
    for source in range(depth.size):
        for tap, output in _seen(
            source * depth.stride - depth.pad_begin, depth.kernel, depth.dilation, depth.outputs
        ):
            weight[:, source, :, output] = taps[:, :, tap]
    weight = weight.reshape(channels * depth.size, kernels * depth.outputs, *kernel)
    inputs = [new.constant("weight", np.ascontiguousarray(weight)), *_bias(node, new, depth.outputs)]
    return _on_planes(node, new, inputs, spread_attributes(tuple(plane), conv.groups))


def _zeros(shape: list[int], dtype: np.dtype[Any]) -> Array:
    import numpy as np

    if math.prod(shape) > LARGEST:
        raise CannotApply(f"the 2-D convolution would have {math.prod(shape):,} weights")
    return np.zeros(shape, dtype)


def _seen(first: int, kernel: int, dilation: int, size: int) -> Iterator[tuple[int, int]]:
    """(tap, element) for the taps of a window that begins at `first` and fall on one of `size` elements."""
    for tap in range(kernel):
        if 0 <= (element := first + tap * dilation) < size:
            yield tap, element


def _bias(node: ir.Node, new: Replacement, depth: int) -> list[ir.Value]:
    import numpy as np

    if len(node.inputs) < 3 or node.inputs[2] is None:
        return []
    return [new.constant("bias", np.repeat(numbers_of(node.inputs[2], "the bias is"), depth))]


def _on_planes(
    node: ir.Node, new: Replacement, weights: list[ir.Value], attributes: dict[str, Any]
) -> ir.Value:
    data = node.inputs[0]
    assert data is not None
    batch, channels, depth, *plane = known_shape(data)
    value = reshape(new, "planes", data, [batch, channels * depth, *plane])
    value = new.node("conv", node.op_type, [value, *weights], attributes)
    return reshape(new, "result", value, known_shape(node.outputs[0]))
