"""What the convolution unit computes: Conv, ConvTranspose, Gemm and MatMul nodes read as convolutions."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from rkmend.graph.values import static_shape
from rkmend.tiling.conv import Axis, ConvGeometry, window_axes
from rkmend.tiling.storage import is_depthwise

if TYPE_CHECKING:
    from collections.abc import Collection

    import onnx_ir as ir

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Work:
    """A layer as a convolution.

    Attributes:
        kind: Of layer.
        geometry: Of the convolution.
        bias: Whether one is added.
        times: How often it is done: once for each of the matrices that a MatMul of two activations multiplies.
        source: Height and width of the input, where the geometry has the stuffed one of a ConvTranspose.
    """

    kind: Literal["Conv", "depth-wise Conv", "ConvTranspose", "MatMul"]
    geometry: ConvGeometry
    bias: bool = False
    times: int = 1
    source: tuple[int, int] | None = None


def read_work(node: ir.Node, constants: Collection[ir.Value]) -> Work | None:
    """Reads a node.

    Args:
        node: Of the main graph.
        constants: Values that do not depend on the inputs of the model.

    Returns:
        None for operators that the convolution unit does not compute, and where shapes are unknown.
    """
    if node.domain or node.op_type not in ("Conv", "ConvTranspose", "Gemm", "MatMul"):
        return None
    shapes = [static_shape(value) for value in (*node.inputs[:2], node.outputs[0])]
    if len(shapes) != 3 or any(shape is None or 0 in shape for shape in shapes):
        return None
    data, weight, output = (shape for shape in shapes if shape is not None)
    if node.op_type == "MatMul":
        return _matmul(data, weight, constant=node.inputs[1] in constants)
    reader = {"Conv": _conv, "ConvTranspose": _transposed, "Gemm": _gemm}[node.op_type]
    return reader(node, data, weight, output)


def _conv(node: ir.Node, data: Shape, weight: Shape, output: Shape) -> Work | None:
    if len(data) not in (3, 4):
        return None
    rows, cols = _axes(node, data[2:], weight[2:])
    geometry = ConvGeometry.along(
        rows, cols, data[1], output[1], node.attributes.get_int("group", 1), data[0]
    )
    if geometry.rows.outputs < 1 or geometry.cols.outputs < 1:
        return None
    return Work("depth-wise Conv" if is_depthwise(geometry) else "Conv", geometry, bias=_has(node, 2))


def _transposed(node: ir.Node, data: Shape, weight: Shape, output: Shape) -> Work | None:
    """As the Conv of stride 1 over the input with zeros stuffed between its elements."""
    if len(data) not in (3, 4):
        return None
    rows, cols = (
        _stuffed(axis, outputs)
        for axis, outputs in zip(_axes(node, data[2:], weight[2:]), _plane(output[2:]), strict=True)
    )
    geometry = ConvGeometry.along(
        rows, cols, data[1], output[1], node.attributes.get_int("group", 1), data[0]
    )
    height, width = _plane(data[2:])
    return Work("ConvTranspose", geometry, bias=_has(node, 2), source=(height, width))


def _stuffed(axis: Axis, outputs: int) -> Axis:
    size = (axis.size - 1) * axis.stride + 1
    begin = axis.extent - 1 - axis.pad_begin
    end = outputs - 1 + axis.extent - begin - size
    return replace(axis, size=size, stride=1, pad_begin=begin, pad_end=end)


def _gemm(node: ir.Node, data: Shape, weight: Shape, output: Shape) -> Work | None:
    rows, columns = output
    inner = data[0] if node.attributes.get_int("transA", 0) else data[1]
    return Work("MatMul", ConvGeometry(1, inner, 1, rows, columns, 1, 1), bias=_has(node, 2))


def _matmul(data: Shape, weight: Shape, *, constant: bool) -> Work | None:
    if len(data) < 2 or len(weight) < 2:
        return None
    *lead, rows, inner = data
    columns = weight[-1]
    if constant and len(weight) == 2:
        return Work("MatMul", ConvGeometry(1, inner, math.prod(lead), rows, columns, 1, 1))
    times = max(math.prod(lead), math.prod(weight[:-2]))
    return Work("MatMul", ConvGeometry(1, inner, 1, rows, columns, 1, 1), times=times)


def _axes(node: ir.Node, sizes: Shape, kernel: Shape) -> tuple[Axis, Axis]:
    """Rows and columns; a signal of one axis is a map of one row, as the compiler has it."""
    ints, ones = node.attributes.get_ints, (1,) * len(sizes)
    strides, dilations = tuple(ints("strides", ()) or ones), tuple(ints("dilations", ()) or ones)
    pads = tuple(ints("pads", ()) or (0,) * 2 * len(sizes))
    auto_pad = node.attributes.get_string("auto_pad", "NOTSET") if node.op_type == "Conv" else "NOTSET"
    axes = window_axes(auto_pad, sizes, kernel, strides, dilations, pads)
    rows, cols = axes if len(axes) == 2 else (Axis(1, 1), *axes)
    return rows, cols


def _plane(sizes: Shape) -> tuple[int, int]:
    height, width = sizes if len(sizes) == 2 else (1, *sizes)
    return height, width


def _has(node: ir.Node, place: int) -> bool:
    return len(node.inputs) > place and node.inputs[place] is not None
