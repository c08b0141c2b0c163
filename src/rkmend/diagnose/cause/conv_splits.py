"""One Conv as two, of which each does half of the work: along H, along W, or along the channels."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from rkmend.diagnose.cause.conv_rewrite import conv_node
from rkmend.diagnose.cause.family import CannotBuild
from rkmend.rules.conv.conv_node import ConvNode
from rkmend.rules.replacement import Replacement
from rkmend.tiling.conv import Axis, ConvGeometry

if TYPE_CHECKING:
    import onnx_ir as ir

PARTS = ("first", "second")


def along_height(conv: ConvNode, new: Replacement) -> ir.Value:
    """The upper output rows, then the lower ones; both see the input rows that their windows share."""
    return _along(conv, new, 2, conv.geometry.rows, "output row")


def along_width(conv: ConvNode, new: Replacement) -> ir.Value:
    """The left output columns, then the right ones; see `along_height`."""
    return _along(conv, new, 3, conv.geometry.cols, "output column")


def along_outputs(conv: ConvNode, new: Replacement) -> ir.Value:
    """The first output channels, then the others; of a group Conv the first groups, each with its input."""
    shape = conv.geometry
    units = shape.groups if shape.groups > 1 else shape.out_channels
    if units < 2:
        raise CannotBuild("there is only one output channel")
    outputs, inputs = shape.out_channels // units, shape.channels // shape.groups
    pieces = []
    for part, (first, last) in zip(PARTS, ((0, units // 2), (units // 2, units)), strict=True):
        data, piece, chosen = conv.data, shape, slice(first * outputs, last * outputs)
        if shape.groups > 1:
            data = _sliced(new, f"{part}_input", data, 1, first * inputs, last * inputs)
            piece = replace(shape, groups=last - first)
        weight = new.constant(f"{part}_weight", conv.weight_array[chosen])
        bias = new.constant(f"{part}_bias", conv.bias_array[chosen]) if conv.bias is not None else None
        pieces.append(conv_node(new, part, data, weight, bias, piece))
    return new.node("joined", "Concat", pieces, {"axis": 1})


def along_inputs(conv: ConvNode, new: Replacement) -> ir.Value:
    """What the first input channels add to the output, plus what the others do."""
    shape = conv.geometry
    if shape.groups > 1:
        raise CannotBuild("a group Conv is split along its input channels already")
    if shape.channels < 2:
        raise CannotBuild("there is only one input channel")
    middle, sums = shape.channels // 2, list["ir.Value"]()
    for part, (first, last) in zip(PARTS, ((0, middle), (middle, shape.channels)), strict=True):
        data = _sliced(new, f"{part}_input", conv.data, 1, first, last)
        weight = new.constant(f"{part}_weight", conv.weight_array[:, first:last])
        sums.append(conv_node(new, part, data, weight, None if sums else conv.bias, shape))
    return new.node("joined", "Add", sums, {})


def _along(conv: ConvNode, new: Replacement, axis: Literal[2, 3], line: Axis, what: str) -> ir.Value:
    """Cuts where both parts have outputs that see the input: a Conv of padding alone cannot be written."""
    if line.live < 2:
        raise CannotBuild(f"no more than one {what} sees the input")
    middle, pieces = line.dead_begin + line.live // 2, []
    for part, (first, last) in zip(PARTS, ((0, middle), (middle, line.outputs)), strict=True):
        start, piece = _piece(line, first, last)
        data = _sliced(new, f"{part}_input", conv.data, axis, start, start + piece.size)
        pieces.append(
            conv_node(new, part, data, conv.weight, conv.bias, _with_line(conv.geometry, axis, piece))
        )
    return new.node("joined", "Concat", pieces, {"axis": axis})


def _piece(line: Axis, first: int, last: int) -> tuple[int, Axis]:
    """Where the input of the outputs `first` to `last - 1` starts, and the axis that computes them from it."""
    start = first * line.stride - line.pad_begin
    stop = (last - 1) * line.stride - line.pad_begin + line.extent
    begin, end = max(0, start), min(line.size, stop)
    piece = replace(line, size=end - begin, pad_begin=max(0, -start), pad_end=max(0, stop - line.size))
    return begin, piece


def _with_line(shape: ConvGeometry, axis: Literal[2, 3], line: Axis) -> ConvGeometry:
    if axis == 2:
        return replace(shape, height=line.size, pad_top=line.pad_begin, pad_bottom=line.pad_end)
    return replace(shape, width=line.size, pad_left=line.pad_begin, pad_right=line.pad_end)


def _sliced(new: Replacement, part: str, data: ir.Value, axis: int, start: int, stop: int) -> ir.Value:
    import numpy as np

    bounds = {"starts": [start], "ends": [stop], "axes": [axis]}
    if new.opset < 10:
        return new.node(part, "Slice", [data], bounds)
    inputs = [new.constant(f"{part}_{name}", np.array(bound, np.int64)) for name, bound in bounds.items()]
    return new.node(part, "Slice", [data, *inputs], {})
