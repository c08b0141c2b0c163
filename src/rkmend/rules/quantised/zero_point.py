"""RKM304: QuantizeLinear and DequantizeLinear without a zero point."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rkmend.rules.base import Exactness, Fact, Level
from rkmend.rules.operands import operand
from rkmend.rules.operator import OperatorRule
from rkmend.rules.quantised.constants import zeros_like
from rkmend.rules.replacement import Replacement
from rkmend.targets import Target

if TYPE_CHECKING:
    import onnx_ir as ir


class ZeroPointLeftOut(OperatorRule):
    """The zero point of QuantizeLinear or DequantizeLinear is left out.

    ## What happens

    `build` raises:

        ValueError: The 'zp' is smissing in DeQuantize 'weight_DequantizeLinear'!

    ## Why

    The zero point is optional in ONNX, and 0 where it is left out; the toolkit demands it.

    ## Example

    `DequantizeLinear(weight, scale)`: so do exporters write symmetric quantisation.

    ## What rkmend does

    * `zero-point`: adds a zero point of 0.

    ## Exactness and its limits

    `exact`: 0 is what ONNX says.

    ## Evidence

    Toolkit 2.3.2, rk3588: a Conv whose int8 weights have no zero point fails and converts with one of 0.
    """

    code = "RKM304"
    name = "zero-point-left-out"
    level = Level.ERROR
    operators = frozenset({"DequantizeLinear", "QuantizeLinear"})
    mend = "zero-point"
    summary = "Adds a zero point of 0."
    exactness = Exactness.EXACT

    def holds(self, node: ir.Node, target: Target) -> Mapping[str, Fact] | None:
        """Without a third input."""
        return {} if operand(node, 2) is None else None

    def rewrite(self, node: ir.Node, new: Replacement) -> Sequence[ir.Value | None]:
        """The same with a zero point."""
        value, scale = node.inputs[:2]
        assert value is not None and scale is not None
        integers = value if node.op_type == "DequantizeLinear" else node.outputs[0]
        inputs = [value, scale, zeros_like(new, integers, scale)]
        return [new.node("quantised", node.op_type, inputs, dict(node.attributes))]
