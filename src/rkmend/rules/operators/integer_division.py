"""RKM206: division of integers by a graph input."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rkmend.rules.base import Exactness, Fact
from rkmend.rules.operator import OperatorRule
from rkmend.rules.replacement import Replacement
from rkmend.targets import Target

if TYPE_CHECKING:
    import onnx_ir as ir

SAME_ELEMENTS = frozenset(
    {"Cast", "Expand", "Flatten", "Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze"}
)


class IntegerDivision(OperatorRule):
    """An integer division by a graph input, kept from dividing by zero while it is compiled.

    ## What happens

    `build` dies with SIGFPE, without a message.

    ## Why

    The toolkit runs parts of the model on zeros while it builds it, and an integer division by zero kills the process.

    ## Example

    `Mod` of two int32 inputs.

    ## What rkmend does

    * `never-zero`: adds 1 to the divisor where it is 0.

    ## Exactness and its limits

    Exact: a divisor that is not 0 stays as it is, and ONNX does not define a division of integers by 0 (ONNX Runtime
    stops with an error).

    ## Evidence

    Toolkit 2.3.2, rk3588: Div and Mod of int32 inputs, and the backend tests of Mod with int32 and int64. A divisor
    that is computed did no harm in five models.
    """

    code = "RKM206"
    name = "integer-division"
    operators = frozenset({"Div", "Mod"})
    mend = "never-zero"
    summary = "Adds 1 to a divisor that is 0."
    exactness = Exactness.EXACT

    def holds(self, node: ir.Node, target: Target) -> Mapping[str, Fact] | None:
        """Where the divisor is of integers that are fed."""
        divisor = node.inputs[1]
        if divisor is None or divisor.dtype is None or not divisor.dtype.is_integer() or not _is_fed(divisor):
            return None
        return {"dtype": divisor.dtype.name.lower()}

    def message(self, node: ir.Node, facts: Mapping[str, Fact]) -> str:
        """See `OperatorRule.message`."""
        return f"{node.op_type} '{node.name}' divides {facts['dtype']} by a number that may be 0 while it is compiled."

    def rewrite(self, node: ir.Node, new: Replacement) -> Sequence[ir.Value | None]:
        """The same operator behind an Add of `divisor == 0`."""
        import numpy as np

        divisor = node.inputs[1]
        assert divisor is not None and divisor.dtype is not None
        zero = new.constant("zero", np.zeros((), divisor.dtype.numpy()))
        is_zero = new.node("is_zero", "Equal", [divisor, zero])
        one_there = new.node("one_there", "Cast", [is_zero], {"to": int(divisor.dtype)})
        safe = new.node("divisor", "Add", [divisor, one_there])
        return [new.node("quotient", node.op_type, [node.inputs[0], safe], node.attributes)]


def _is_fed(value: ir.Value) -> bool:
    """Whether it is a graph input, perhaps in another shape or dtype."""
    maker = value.producer()
    while maker is not None and maker.op_type in SAME_ELEMENTS and maker.inputs[0] is not None:
        value = maker.inputs[0]
        maker = value.producer()
    return value.is_graph_input()
