"""RKM311: DynamicQuantizeLinear whose integers no product takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rkmend.rules.base import Exactness, Finding
from rkmend.rules.forms import reshaped
from rkmend.rules.operands import known_shape
from rkmend.rules.operator import OperatorRule
from rkmend.rules.quantised.unit_scale import TIES, rounded
from rkmend.rules.replacement import Replacement

if TYPE_CHECKING:
    import onnx_ir as ir

STEPS = 255.0


class DynamicLinear(OperatorRule):
    """A DynamicQuantizeLinear whose integers, scale or zero point are wanted as they are.

    ## What happens

    `build` raises:

        ValueError: The DynamicQuantizeLinear('...') will cause the graph to be a dynamic graph! Remove it manually and
        try again!

    ## Why

    The compiler fixes scales before any data is seen.

    ## Example

    A model that gives out its features as uint8 with a scale that is measured.

    ## What rkmend does

    * `written-out`: computes range, scale and zero point with ReduceMin, ReduceMax and arithmetic, divides by the
      scale, adds the zero point, and quantises that with a scale of 1.

    ## Exactness and its limits

    `rounding`: what ONNX says the operator does. A quotient in the middle between two whole numbers may go to the other
    one, and in fp16 so may one that is near to it.

    ## Evidence

    Toolkit 2.3.2, rk3588: each DynamicQuantizeLinear is rejected; written out it converts and gives the integers,
    scale and zero point of ONNX Runtime, for a tensor of zeros too. Where the integers go into a product,
    dynamic-quantisation has the better mend.
    """

    code = "RKM311"
    name = "dynamic-linear"
    operators = frozenset({"DynamicQuantizeLinear"})
    mend = "written-out"
    summary = "Measures the range with plain operators and quantises with a scale of 1."
    exactness = Exactness.ROUNDING

    def noise(self, finding: Finding) -> float:
        """Of ties."""
        return TIES

    def rewrite(self, node: ir.Node, new: Replacement) -> Sequence[ir.Value | None]:
        """Range, scale, zero point, integers."""
        import numpy as np
        import onnx_ir as ir

        data = node.inputs[0]
        rank = len(known_shape(data))
        zero, steps = (
            new.constant(part, np.array(number, np.float32))
            for part, number in (("zero", 0), ("steps", STEPS))
        )
        low = new.node("low", "Min", [new.node("least", "ReduceMin", [data]), zero])
        high = new.node("high", "Max", [new.node("most", "ReduceMax", [data]), zero])
        spread = new.node("spread", "Sub", [high, low])
        flat = new.node(
            "flat", "Cast", [new.node("equal", "Equal", [spread, zero])], {"to": int(ir.DataType.FLOAT)}
        )
        unit = new.node("unit", "Add", [spread, new.node("one_step", "Mul", [flat, steps])])
        scale = new.node("scale", "Div", [unit, steps])
        shift = new.node(
            "shift", "Round", [new.node("below", "Div", [new.node("minus", "Neg", [low]), scale])]
        )
        shifted = new.node("shifted", "Add", [new.node("quotient", "Div", [data, scale]), shift])
        kinds = np.dtype(np.uint8), np.dtype(np.float32)
        point = rounded(new, "point", reshaped(new, "wide_shift", shift, [1] * max(rank, 1)), *kinds)
        made = [
            rounded(new, "integers", shifted, *kinds),
            reshaped(new, "scalar", scale, []),
            reshaped(new, "scalar_point", point, []),
        ]
        return [value if old.name else None for old, value in zip(node.outputs, made, strict=True)]
