"""Older forms: what an operator of a newer opset is made of in an older one, where its definition does not serve.

They are the operators that ONNX does not define as a function, and those whose function an NPU would compute
badly: with many shape operators, or as a difference of large numbers that cancel.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rkmend.graph.values import content_of, static_shape
from rkmend.rules.base import CannotApply
from rkmend.rules.forms import reshaped
from rkmend.rules.model.older_quantised import dequantize, quantize
from rkmend.rules.model.older_rotary import rotary_embedding
from rkmend.rules.operands import operand
from rkmend.rules.replacement import Replacement

if TYPE_CHECKING:
    import onnx_ir as ir


def grid_sample(node: ir.Node, new: Replacement) -> ir.Value:
    """The modes by their older names; volumes were not sampled before opset 20."""
    shape = static_shape(node.inputs[0])
    if shape is None or len(shape) != 4:
        raise CannotApply(f"GridSample '{node.name}' samples something else than images of known shape")
    attributes: dict[str, Any] = dict(node.attributes)
    mode = node.attributes.get_string("mode", "linear")
    attributes["mode"] = {"linear": "bilinear", "cubic": "bicubic"}.get(mode, mode)
    return new.node("sampled", "GridSample", node.inputs, attributes)


def dft(node: ir.Node, new: Replacement) -> ir.Value:
    """The axis as an attribute."""
    shape = static_shape(node.inputs[0])
    given = operand(node, 2)
    axis = content_of(given)
    if shape is None or (given is not None and axis is None):
        raise CannotApply(f"DFT '{node.name}': its axis is computed")
    number = -2 if axis is None else int(axis)
    attributes = {**node.attributes, "axis": number % len(shape)}
    return new.node("transformed", "DFT", node.inputs[:2], attributes)


def group_normalization(node: ir.Node, new: Replacement) -> ir.Value:
    """Each group as one channel of an InstanceNormalization, then scale and bias of each channel."""
    import numpy as np

    data, scale, bias = node.inputs
    shape = static_shape(data)
    if data is None or data.dtype is None or shape is None or scale is None or bias is None:
        raise CannotApply(f"GroupNormalization '{node.name}': its shape is not known")
    groups, dtype = node.attributes.get_int("num_groups"), data.dtype.numpy()
    one, zero = (np.full(groups, number, dtype) for number in (1, 0))
    grouped = reshaped(new, "grouped", data, [shape[0], groups, -1])
    normal = new.node(
        "normal",
        "InstanceNormalization",
        [grouped, new.constant("one", one), new.constant("zero", zero)],
        {"epsilon": node.attributes.get_float("epsilon", 1e-5)},
    )
    whole = reshaped(new, "whole", normal, shape)
    column = [shape[1]] + [1] * (len(shape) - 2)
    scaled = new.node("scaled", "Mul", [whole, reshaped(new, "scale", scale, column)])
    return new.node("shifted", "Add", [scaled, reshaped(new, "bias", bias, column)])


def of_bool(node: ir.Node, new: Replacement) -> ir.Value:
    """ReduceMax and ReduceMin of bool: of 0 and 1."""
    import onnx_ir as ir

    data, *axes = node.inputs
    number = new.node("number", "Cast", [data], {"to": ir.DataType.UINT8})
    reduced = new.node("reduced", node.op_type, [number, *axes], node.attributes)
    return new.node("truth", "Cast", [reduced], {"to": ir.DataType.BOOL})


def is_inf(node: ir.Node, new: Replacement) -> ir.Value:
    """Of float16: of the same numbers in float32."""
    import onnx_ir as ir

    wide = new.node("wide", "Cast", node.inputs, {"to": ir.DataType.FLOAT})
    return new.node("infinite", "IsInf", [wide], node.attributes)


def affine_grid(node: ir.Node, new: Replacement) -> ir.Value:
    """The grid of an unmoved image, a constant, multiplied by the matrix."""
    import numpy as np

    theta, size = node.inputs[0], content_of(node.inputs[1])
    if theta is None or theta.dtype is None or size is None:
        raise CannotApply(f"AffineGrid '{node.name}': its size is computed")
    batch, _channels, *space = (int(number) for number in size)
    corners = node.attributes.get_int("align_corners", 0)
    if corners and 1 in space:
        raise CannotApply(
            f"AffineGrid '{node.name}': the corners of a single place are where ONNX and ONNX Runtime differ"
        )
    places = [
        np.linspace(-1, 1, count) if corners else (np.arange(count) * 2 + 1 - count) / count
        for count in space
    ]
    grid = np.stack([*reversed(np.meshgrid(*places, indexing="ij")), np.ones(space)], axis=-1)
    points = new.constant("points", grid.reshape(-1, len(space) + 1).astype(theta.dtype.numpy()))
    turned = new.node("turned", "Transpose", [theta], {"perm": [0, 2, 1]})
    moved = new.node("moved", "MatMul", [points, turned])
    return reshaped(new, "grid", moved, [batch, *space, len(space)])


OLDER_FORMS: dict[str, Callable[[ir.Node, Replacement], ir.Value]] = {
    "AffineGrid": affine_grid,
    "DFT": dft,
    "DequantizeLinear": dequantize,
    "GridSample": grid_sample,
    "GroupNormalization": group_normalization,
    "IsInf": is_inf,
    "QuantizeLinear": quantize,
    "ReduceMax": of_bool,
    "ReduceMin": of_bool,
    "RotaryEmbedding": rotary_embedding,
}
"""By operator type; each has one output, and the same in real arithmetic."""
