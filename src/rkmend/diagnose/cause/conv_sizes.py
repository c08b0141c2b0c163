"""One Conv for other sizes: the width, and the channels, that people say the hardware likes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from rkmend.diagnose.cause.conv_rewrite import Rewrite, conv_node
from rkmend.diagnose.cause.family import CannotBuild
from rkmend.rules.conv.conv_node import ConvNode
from rkmend.rules.replacement import Replacement
from rkmend.tiling.conv import ConvGeometry

if TYPE_CHECKING:
    import numpy as np
    import onnx_ir as ir

    Array = np.ndarray[Any, np.dtype[Any]]


def other_sizes(shape: ConvGeometry) -> Iterator[tuple[str, Rewrite]]:
    """What to change a Conv of this shape to, and how; all of it makes another model."""
    width = shape.width
    power = 1 << (width - 1).bit_length()
    below = power if power == width else power >> 1
    a_power = "the width is a power of two already"
    for change, size, why_not in (
        ("width rounded up to a multiple of 16", _up(width, 16), "the width is a multiple of 16 already"),
        ("width rounded up to a power of two", power, a_power),
        ("width cut to a power of two", below, a_power),
        ("width under 1024", min(width, 1008), "the width is under 1024 already"),
    ):
        yield _resizing(change, shape, replace(shape, width=size), size, why_not)
    for unit in (16, 32):
        change = f"input channels rounded up to a multiple of {unit}"
        channels = _up(shape.channels, math.lcm(unit, 1 if _is_depthwise(shape) else shape.groups))
        why_not = f"the input channels are a multiple of {unit} already"
        yield _resizing(change, shape, _with_channels(shape, channels), channels, why_not)
    for unit in (16, 32):
        change = f"output channels rounded up to a multiple of {unit}"
        channels = _up(shape.out_channels, math.lcm(unit, shape.groups))
        why_not = f"the output channels are a multiple of {unit} already"
        if _is_depthwise(shape):
            channels, why_not = (
                shape.out_channels,
                "those of a depth-wise Conv change with its input channels",
            )
        yield _resizing(change, shape, replace(shape, out_channels=channels), channels, why_not)


def _resizing(
    change: str, shape: ConvGeometry, resized: ConvGeometry, size: int, why_not: str
) -> tuple[str, Rewrite]:
    """The same Conv for another size. Without a change of size the advice does not apply."""
    change = change if resized == shape else f"{change} ({size})"
    return change, partial(_resized, resized, "" if resized != shape else why_not)


def _resized(shape: ConvGeometry, why_not: str, conv: ConvNode, new: Replacement) -> ir.Value:
    """Weights are cut, or repeated from their start."""
    import onnx_ir as ir

    if why_not:
        raise CannotBuild(why_not)
    weight, bias = conv.weight, conv.bias
    if (shape.channels, shape.out_channels) != (conv.geometry.channels, conv.geometry.out_channels):
        fitted = _fitted(conv.weight_array, 0, shape.out_channels)
        weight = new.constant("weight", _fitted(fitted, 1, shape.channels // shape.groups))
        if bias is not None:
            bias = new.constant("bias", _fitted(conv.bias_array, 0, shape.out_channels))
    conv.data.shape = ir.Shape([shape.batch, shape.channels, shape.height, shape.width])
    return conv_node(new, "conv", conv.data, weight, bias, shape)


def _fitted(array: Array, axis: int, size: int) -> Array:
    import numpy as np

    fitted: Array = np.take(array, np.arange(size) % array.shape[axis], axis)
    return fitted


def _is_depthwise(shape: ConvGeometry) -> bool:
    return shape.groups == shape.channels > 1


def _with_channels(shape: ConvGeometry, channels: int) -> ConvGeometry:
    """With other input channels; a depth-wise Conv stays one."""
    if not _is_depthwise(shape):
        return replace(shape, channels=channels)
    outputs = shape.out_channels // shape.groups * channels
    return replace(shape, channels=channels, groups=channels, out_channels=outputs)


def _up(size: int, unit: int) -> int:
    return -(-size // unit) * unit
