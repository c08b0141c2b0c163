"""The float forms of what is computed with integers made at run time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rkmend.rules.base import CannotApply
from rkmend.rules.operands import constant_of, operand
from rkmend.rules.quantised.constants import along, dequantised
from rkmend.rules.quantised.dynamic_sites import Site
from rkmend.rules.replacement import Replacement

if TYPE_CHECKING:
    import onnx_ir as ir

    from rkmend.rules.operands import Array

NOWHERE = -1


@dataclass(frozen=True)
class Places:
    """Where a product has what; `NOWHERE` for what it does not have.

    Attributes:
        zero_points: Of each operand; the operands are the first two inputs.
        scales: Of each operand.
        bias: Of floats.
    """

    zero_points: tuple[int, int]
    scales: tuple[int, int] = (NOWHERE, NOWHERE)
    bias: int = NOWHERE


PLACES = {
    "ConvInteger": Places((2, 3)),
    "MatMulInteger": Places((2, 3)),
    "MatMulIntegerToFloat": Places((4, 5), (2, 3), 6),
    "DynamicQuantizeMatMul": Places((NOWHERE, 3), (NOWHERE, 2), 4),
}


def write(site: Site, new: Replacement) -> Sequence[ir.Value | None]:
    """Makes the float form of a site; one value for each output of its last node."""
    if site.node.op_type == "DynamicQuantizeLSTM":
        return _lstm(site.node, new)
    if site.node.op_type == "DequantizeLinear":
        return [new.node("same", "Identity", [site.reads[0]])]
    return [_product(site, new)]


def _product(site: Site, new: Replacement) -> ir.Value:
    """MatMul or Conv, what is left of the scales, and the bias."""
    import numpy as np

    node, places = site.node, PLACES[site.node.op_type]
    conv = node.op_type == "ConvInteger"
    factor: Array = np.ones((), np.float32)
    for one in site.factors:
        factor = factor * _known(one)
    operands: list[ir.Value] = []
    for place, quantised in enumerate((site.left, site.right)):
        value, zero_point = node.inputs[place], _input(node, places.zero_points[place])
        if quantised is not None:
            operands.append(quantised.real)
            continue
        if value is not None and value.dtype is not None and value.dtype.is_floating_point():
            operands.append(value)
            continue
        weight = _known(value)
        axis = (
            0 if conv else place - 2
        )  # of what has a scale or zero point of its own: a channel, row or column
        offset = None if zero_point is None else _spread(_known(zero_point), weight, axis)
        given = _input(node, places.scales[place])
        scale: Array = np.ones((), np.float32) if given is None else _spread(_known(given), weight, axis)
        if place == 1 and (into := _into_weight(factor, weight, conv=conv)) is not None:
            scale, factor = scale * into, np.ones((), np.float32)
        operands.append(new.constant("weight", dequantised(weight, offset, scale)))
    result = new.node(*("conv", "Conv") if conv else ("matmul", "MatMul"), operands, dict(node.attributes))
    if factor.size > 1 or factor.item() != 1:
        result = new.node("scale", "Mul", [result, new.constant("factor", factor.astype(np.float32))])
    bias = _input(node, places.bias)
    return result if bias is None else new.node("bias", "Add", [result, bias])


def _spread(array: Array, weight: Array, axis: int) -> Array:
    """A scale or zero point, so that it broadcasts to the weight."""
    return along(array, weight.ndim, max(axis, -weight.ndim)) if array.ndim < 2 else array


def _into_weight(factor: Array, weight: Array, *, conv: bool) -> Array | None:
    """A factor of the product, for its second operand; None where it is not the same for a whole column or channel."""
    if factor.size == 1:
        return factor.reshape(())
    axis = 1 if conv else factor.ndim - 1
    if factor.size != factor.shape[axis] or (conv and factor.ndim != weight.ndim) or weight.ndim == 1:
        return None
    return along(factor, weight.ndim, 0 if conv else -1)


def _lstm(node: ir.Node, new: Replacement) -> tuple[ir.Value, ...]:
    """LSTM, whose weights are the transposes of those of DynamicQuantizeLSTM."""
    weights = []
    for part, place, scale, zero_point in (("weight", 1, 8, 9), ("recurrence", 2, 10, 11)):
        integers = _known(node.inputs[place])
        by_column = (integers.shape[0], 1, -1)  # or one for each direction
        grid = [_known(node.inputs[one]).reshape(by_column) for one in (zero_point, scale)]
        weights.append(new.constant(part, dequantised(integers, *grid).transpose(0, 2, 1).copy()))
    operands = [node.inputs[0], *weights, *node.inputs[3:8]]
    return new.nodes("lstm", "LSTM", operands, dict(node.attributes), outputs=len(node.outputs))


def _input(node: ir.Node, place: int) -> ir.Value | None:
    return None if place == NOWHERE else operand(node, place)


def _known(value: ir.Value | None) -> Array:
    array = constant_of(value)
    if array is None:
        raise CannotApply(f"'{value.name if value else ''}' is not constant, so it cannot be dequantised")
    return array
