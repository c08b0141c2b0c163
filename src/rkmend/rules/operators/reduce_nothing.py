"""RKM213: reductions over no axis at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rkmend.rules.base import Exactness, Fact, Level
from rkmend.rules.operands import reduced_axes
from rkmend.rules.operator import OperatorRule
from rkmend.rules.replacement import Replacement
from rkmend.targets import Target

if TYPE_CHECKING:
    import onnx_ir as ir

OF_ONE = {
    "ReduceL1": "Abs",
    "ReduceL2": "Abs",
    "ReduceLogSum": "Log",
    "ReduceMin": "Identity",
    "ReduceSumSquare": "Mul",
}
"""What a reduction makes of a single number."""


class ReduceNothing(OperatorRule):
    """A reduction with `noop_with_empty_axes` and no axes.

    ## What happens

    The model converts and comes out wrong; with ReduceMin `build` dies with SIGSEGV.

    ## Why

    Without the attribute, missing axes mean all axes; the toolkit's forms of these reductions do not know it.

    ## Example

    `ReduceLogSum` with `noop_with_empty_axes` 1 and without the input `axes`.

    ## What rkmend does

    * `of-one`: what the reduction makes of a single number, for each number: Identity, Abs, Log or a square.

    ## Exactness and its limits

    `rounding`: the root of a square is the absolute value.

    ## Evidence

    Toolkit 2.3.2, rk3588, opset 18: ReduceL1, ReduceL2, ReduceLogSum and ReduceSumSquare come out wrong, ReduceMin
    dies; ReduceSum, ReduceMean, ReduceMax, ReduceProd and ReduceLogSumExp convert with right numbers.
    """

    code = "RKM213"
    name = "reduce-nothing"
    level = Level.ERROR
    operators = frozenset(OF_ONE)
    mend = "of-one"
    summary = "Does to each number what the reduction does to one."
    exactness = Exactness.ROUNDING

    def holds(self, node: ir.Node, target: Target) -> Mapping[str, Fact] | None:
        """With the attribute, and without axes or with none."""
        nothing = node.attributes.get_int("noop_with_empty_axes", 0) and reduced_axes(node) == []
        return {} if nothing else None

    def message(self, node: ir.Node, facts: Mapping[str, Fact]) -> str:
        """See `OperatorRule.message`."""
        return f"{node.op_type} '{node.name}' reduces no axis; the toolkit does not know that."

    def rewrite(self, node: ir.Node, new: Replacement) -> Sequence[ir.Value | None]:
        """One elementwise operator."""
        operator = OF_ONE[node.op_type]
        inputs = [node.inputs[0]] * (2 if operator == "Mul" else 1)
        return [new.node("of_one", operator, inputs)]
