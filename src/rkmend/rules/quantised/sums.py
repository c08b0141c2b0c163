"""RKM305: sums and means between DequantizeLinear and QuantizeLinear."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rkmend.rules.base import CannotApply, Exactness
from rkmend.rules.forms import clipped
from rkmend.rules.operands import constant_of
from rkmend.rules.quantised.everywhere import EverywhereRule
from rkmend.rules.replacement import Replacement
from rkmend.toolkit.verdict import Outcome, Verdict

if TYPE_CHECKING:
    import onnx_ir as ir

SUMS = frozenset({"Add", "AveragePool", "GlobalAveragePool", "Sum"})
LARGEST = 65504.0
"""The largest fp16 number."""


class QuantisedSums(EverywhereRule):
    """A quantised model adds or averages, and the toolkit does it with integers that are not precise enough.

    ## What happens

    The model converts without a message and the simulator gives other numbers: sums are up to 13 steps off, averages
    up to half their range.

    ## Why

    An operator between DequantizeLinear and QuantizeLinear becomes an integer layer. For Conv, MatMul and Mul that
    layer computes what ONNX says; sums of two scales and averages are rescaled with too few bits.

    ## Example

    The sums of the shortcuts of a quantised MobileNetV2, and the GlobalAveragePool behind.

    ## What rkmend does

    * `clip-operands`: a Clip to [-65504, 65504], the range of fp16, at each operand. The integers cannot stand for
      anything larger, so it changes nothing; but now the operator is not between the two and is computed in fp16.

    ## Exactness and its limits

    `exact`.

    ## Evidence

    Toolkit 2.3.2, rk3588: Add of two 8 x 16 x 16 maps: 0.62 off where the largest value is 5.0 and a step 0.048, with
    the mend bit for bit right, while a Clip behind the Add changes nothing. Sum fails alike. GlobalAveragePool of
    16 x 16: 0.74 off where the largest value is 0.55, with the mend right. AveragePool of 2 x 2: 0.42 off where the
    largest value is 1.6, with the mend single elements by a step. A style transfer network in two parts: from
    cosines of 0.99992 and 0.976 to 0.99995 and 0.993. What is left of the second is its own doing: when ONNX Runtime
    rounds every float tensor of it to fp16, it differs from itself by cosines of 0.991 and 0.981.
    """

    code = "RKM305"
    name = "quantised-sums"
    operators = frozenset({"QuantizeLinear", "com.microsoft::QuantizeLinear"})
    what = "The model adds or averages what DequantizeLinear gives and QuantizeLinear takes"
    mend = "clip-operands"
    summary = "Clips the operands to the range of fp16, so that the toolkit adds floats and not integers."
    exactness = Exactness.EXACT
    whole = True

    def places(self, graph: ir.Graph) -> tuple[list[ir.Node], list[ir.Node]]:
        """The sums and means all of whose operands are dequantised and whose result is quantised."""
        found = [node for node in graph if node.op_type in SUMS and _between(node)]
        return found, found

    def recognises(self, verdict: Verdict) -> bool:
        """Other numbers; which operator they come from is hard to find where everything is rounded to steps."""
        return verdict.outcome is Outcome.WRONG

    def rewrite(self, model: ir.Model) -> None:
        """A Clip at each operand."""
        for node in self.places(model.graph)[0]:
            new = self.replacement(node)
            operands = [within_half(new, value) for value in node.inputs]
            new.finish(new.node("sum", node.op_type, operands, dict(node.attributes)))


def _between(node: ir.Node) -> bool:
    makers = [value.producer() for value in node.inputs if value is not None]
    users = [use.node for use in node.outputs[0].uses()]
    return all(maker is not None and maker.op_type == "DequantizeLinear" for maker in makers) and any(
        user.op_type == "QuantizeLinear" for user in users
    )


def within_half(new: Replacement, value: ir.Value | None) -> ir.Value:
    """What DequantizeLinear gives behind a Clip that changes nothing: the integers stand for nothing larger."""
    import numpy as np

    maker = value.producer() if value is not None else None
    scale = constant_of(maker.inputs[1]) if maker is not None else None
    if value is None or scale is None or scale.max() * 255 > LARGEST:
        raise CannotApply(
            f"'{value.name if value else ''}' may be larger than {LARGEST:.0f}, the largest fp16 number"
        )
    return clipped(new, "clip", value, -LARGEST, LARGEST, np.dtype(np.float32))
