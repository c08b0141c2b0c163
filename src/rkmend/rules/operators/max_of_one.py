"""RKM220: Max of a single tensor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rkmend.rules.base import Exactness, Fact
from rkmend.rules.operator import OperatorRule
from rkmend.rules.replacement import Replacement
from rkmend.targets import Target

if TYPE_CHECKING:
    import onnx_ir as ir


class MaxOfOne(OperatorRule):
    """A Max of one tensor.

    ## What happens

    `build` dies with SIGSEGV in `OpEmit`, without a message.

    ## Why

    Max takes any number of tensors, one among them; the compiler looks for a second.

    ## Example

    `Max` of a list that a script collects and that happens to have one element.

    ## What rkmend does

    * `identity`: passes the tensor on.

    ## Exactness and its limits

    `exact`: the maximum of one number is that number.

    ## Evidence

    Toolkit 2.3.2, rk3588: 2 of 2 models died, of one axis and of four, and converted with Identity. Min, Sum and Mean
    of one tensor convert.
    """

    code = "RKM220"
    name = "max-of-one"
    operators = frozenset({"Max"})
    mend = "identity"
    summary = "Passes the one tensor on."
    exactness = Exactness.EXACT

    def holds(self, node: ir.Node, target: Target) -> Mapping[str, Fact] | None:
        """With one operand."""
        return {} if len(node.inputs) == 1 else None

    def message(self, node: ir.Node, facts: Mapping[str, Fact]) -> str:
        """See `OperatorRule.message`."""
        return f"Max '{node.name}' has one operand."

    def rewrite(self, node: ir.Node, new: Replacement) -> Sequence[ir.Value | None]:
        """Identity."""
        return [new.node("identity", "Identity", node.inputs)]
