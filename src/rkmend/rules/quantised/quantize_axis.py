"""RKM310: activations that are quantised with a scale for each channel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rkmend.rules.base import Exactness, Fact, Finding
from rkmend.rules.operands import constant_of, is_constant, known_shape, numbers_of, operand
from rkmend.rules.operator import OperatorRule
from rkmend.rules.quantised.constants import along
from rkmend.rules.quantised.unit_scale import TIES, as_floats, rounded
from rkmend.rules.replacement import Replacement
from rkmend.targets import Target

if TYPE_CHECKING:
    import onnx_ir as ir


class QuantizeAxis(OperatorRule):
    """A QuantizeLinear or DequantizeLinear of what the model computes, with a scale for each index of an axis.

    ## What happens

    The simulator raises:

        AttributeError: 'NoneType' object has no attribute 'op_type' (in _adjust_scale_zp)
        ValueError: operands could not be broadcast together with shapes (1,3,3,2) (3,) (in dequant_tensor)

    ## Why

    A tensor of the NPU has one scale; a scale for each channel is for weights.

    ## Example

    `QuantizeLinear(x, [2, 4, 5], [84, 24, 196])` along axis 1.

    ## What rkmend does

    * `unit-scale`: divides by the scales, adds the zero points, and quantises that with a scale of 1 and the zero
      point 0. DequantizeLinear the other way round.

    ## Exactness and its limits

    `rounding`: equal in real arithmetic but for a quotient in the middle between two whole numbers, which an odd zero
    point makes go to the other one. In fp16 quotients above 2048 saturate anyway.

    ## Evidence

    Toolkit 2.3.2, rk3588: uint8 with three scales is rejected, in either direction; divided and shifted outside of the
    operator it converts and gives the numbers of ONNX Runtime. One scale converts.
    """

    code = "RKM310"
    name = "quantize-axis"
    operators = frozenset({"DequantizeLinear", "QuantizeLinear"})
    mend = "unit-scale"
    summary = "Scales with plain arithmetic and quantises, or dequantises, with a scale of 1."
    exactness = Exactness.ROUNDING

    def holds(self, node: ir.Node, target: Target) -> Mapping[str, Fact] | None:
        """With several constant scales, none for blocks, and an operand that is computed."""
        scale = constant_of(operand(node, 1))
        if scale is None or scale.ndim != 1 or scale.size == 1 or is_constant(node.inputs[0]):
            return None
        return {"scales": scale.size}

    def noise(self, finding: Finding) -> float:
        """Of ties."""
        return TIES

    def rewrite(self, node: ir.Node, new: Replacement) -> Sequence[ir.Value | None]:
        """The operator with one scale, and arithmetic with many."""
        import numpy as np

        value, given = node.inputs[0], operand(node, 2)
        assert value is not None
        rank, axis = len(known_shape(value)), node.attributes.get_int("axis", 1)
        scale = along(numbers_of(operand(node, 1), "its scales are"), rank, axis)
        scales, points = new.constant("scales", scale), None
        if given is not None:
            offset = along(numbers_of(given, "its zero points are"), rank, axis).astype(scale.dtype)
            points = new.constant("zero_points", offset)
        integers = (node.outputs[0] if node.op_type == "QuantizeLinear" else value).dtype
        kinds = np.dtype(np.uint8) if integers is None else integers.numpy(), scale.dtype
        if node.op_type == "DequantizeLinear":
            value = as_floats(new, "steps", value, *kinds)
            value = value if points is None else new.node("shifted", "Sub", [value, points])
            return [new.node("real", "Mul", [value, scales])]
        value = new.node("quotient", "Div", [value, scales])
        value = value if points is None else new.node("shifted", "Add", [value, points])
        return [rounded(new, "quantised", value, *kinds)]
