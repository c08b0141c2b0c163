"""RKM210: PRelu whose slope the model computes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rkmend.rules.base import CannotApply, Exactness, Fact, Level
from rkmend.rules.operands import is_constant
from rkmend.rules.operator import OperatorRule
from rkmend.rules.replacement import Replacement
from rkmend.targets import Target

if TYPE_CHECKING:
    import onnx_ir as ir


class PReluSlope(OperatorRule):
    """A PRelu whose slope is not a constant of the model.

    ## What happens

    `build` raises:

        AttributeError: 'NoneType' object has no attribute 'shape'

    ## Why

    The toolkit reads the slope while it builds the model and looks for it among the constants only.

    ## Example

    `PRelu` with a slope that is a graph input or comes from another layer.

    ## What rkmend does

    * `two-relus`: Relu(x) - slope * Relu(-x), all of it on the NPU.

    ## Exactness and its limits

    Exact for finite slopes: of the two terms one is always zero. (An infinite slope times zero is NaN.)

    ## Evidence

    Toolkit 2.3.2, rk3588: three models with a computed slope, two of them backend tests of ONNX; PRelu with a constant
    slope converts in every shape that was tried.
    """

    code = "RKM210"
    name = "prelu-slope"
    level = Level.ERROR
    operators = frozenset({"PRelu"})
    mend = "two-relus"
    summary = "Writes PRelu as Relu(x) - slope * Relu(-x)."
    exactness = Exactness.EXACT

    def holds(self, node: ir.Node, target: Target) -> Mapping[str, Fact] | None:
        """Where the slope is not constant."""
        return None if is_constant(node.inputs[1]) else {}

    def message(self, node: ir.Node, facts: Mapping[str, Fact]) -> str:
        """See `OperatorRule.message`."""
        return f"PRelu '{node.name}' has a slope that is computed; the toolkit takes a constant only."

    def rewrite(self, node: ir.Node, new: Replacement) -> Sequence[ir.Value | None]:
        """The part above zero and the part below."""
        value, slope = node.inputs
        if value is None or value.dtype is None or not value.dtype.is_floating_point():
            raise CannotApply("it is a PRelu of integers")
        above = new.node("above", "Relu", [value])
        below = new.node("below", "Relu", [new.node("negated", "Neg", [value])])
        return [new.node("prelu", "Sub", [above, new.node("scaled", "Mul", [slope, below])])]
