"""The graph rewrites of RKM101: the same output from a Conv whose padding stays within its kernel.

Each takes a `ConvNode` and a `Replacement` and returns the value that takes the place of the Conv's output.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rkmend.rules.base import CannotApply
from rkmend.rules.conv.conv_node import conv_attributes
from rkmend.rules.forms import joined, padded, sliced

if TYPE_CHECKING:
    import onnx_ir as ir

    from rkmend.rules.conv.conv_node import ConvNode
    from rkmend.rules.replacement import Replacement
    from rkmend.tiling.conv import Axis

MAX_KERNEL = 31
"""Largest kernel, per axis, that the NPU's Conv takes (RK3588 register description: 5 bits)."""


def output_padding(conv: ConvNode, new: Replacement) -> ir.Value:
    """Conv of the live outputs without bias -> Pad with zeros -> Add bias."""
    rows, cols = conv.geometry.rows, conv.geometry.cols
    bias = conv.bias_array.reshape(1, -1, 1, 1) if conv.bias is not None else None
    live = _live_conv(conv, new, bias=None)
    pads = [0, 0, rows.dead_begin, cols.dead_begin, 0, 0, rows.dead_end, cols.dead_end]
    made = padded(new, "pad", live, pads)
    if bias is None:
        return made
    return new.node("add", "Add", [made, new.constant("bias", bias)], {})


def border_rows(conv: ConvNode, new: Replacement) -> ir.Value:
    """Conv of the live outputs, joined to constant columns and rows: nothing but the bias is there."""
    import numpy as np

    batch, channels, *_ = conv.geometry.output_shape
    bias = conv.bias_array.reshape(1, -1, 1, 1)

    def border(part: str, height: int, width: int) -> list[ir.Value]:
        array = np.broadcast_to(bias, (batch, channels, height, width))
        return [new.constant(part, array.copy())] if array.size else []

    rows, cols = conv.geometry.rows, conv.geometry.cols
    value = _live_conv(conv, new, bias=conv.bias)
    left, right = border("left", rows.live, cols.dead_begin), border("right", rows.live, cols.dead_end)
    value = joined(new, "columns", [*left, value, *right], 3)
    top, bottom = border("top", rows.dead_begin, cols.outputs), border("bottom", rows.dead_end, cols.outputs)
    return joined(new, "rows", [*top, value, *bottom], 2)


def kernel_embedding(conv: ConvNode, new: Replacement) -> ir.Value:
    """The kernel, surrounded with taps of weight zero, so that the padding stays within it."""
    import numpy as np

    top, rows = conv.geometry.rows.embedded()
    left, cols = conv.geometry.cols.embedded()
    if max(rows.kernel, cols.kernel) > MAX_KERNEL:
        raise CannotApply(
            f"the kernel would grow to {rows.kernel}x{cols.kernel}; the NPU takes {MAX_KERNEL} per axis"
        )
    old = conv.weight_array
    weight = np.zeros((*old.shape[:2], rows.kernel, cols.kernel), old.dtype)
    weight[:, :, top : top + old.shape[2], left : left + old.shape[3]] = old
    return _conv(conv, new, conv.data, new.constant("weight", weight), conv.bias, rows, cols)


def trim_padding(conv: ConvNode, new: Replacement) -> ir.Value:
    """The same Conv without the padding that the stride never reaches."""
    return _live_conv(conv, new, bias=conv.bias)


def _live_conv(conv: ConvNode, new: Replacement, bias: ir.Value | None) -> ir.Value:
    """The Conv of those outputs that see the input; dead rows and columns are stripped on all four sides."""
    try:
        (top, rows), (left, cols) = conv.geometry.rows.stripped(), conv.geometry.cols.stripped()
    except ValueError as error:
        raise CannotApply(str(error)) from error
    data = conv.data
    if top or left:  # a stride larger than the kernel may step over the first rows or columns
        ends = [conv.geometry.height, conv.geometry.width]
        data = sliced(new, "slice", data, [top, left], ends, [2, 3])
    return _conv(conv, new, data, conv.weight, bias, rows, cols)


def _conv(
    conv: ConvNode,
    new: Replacement,
    data: ir.Value,
    weight: ir.Value,
    bias: ir.Value | None,
    rows: Axis,
    cols: Axis,
) -> ir.Value:
    attributes = conv_attributes(rows, cols, conv.geometry.groups)
    return new.node("conv", "Conv", [data, weight] if bias is None else [data, weight, bias], attributes)
