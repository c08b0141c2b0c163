"""RKM214: ReduceL2 over everything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rkmend.rules.base import Exactness, Fact, Level
from rkmend.rules.forms import reduced, reshaped
from rkmend.rules.operands import reduced_axes
from rkmend.rules.operator import OperatorRule
from rkmend.rules.replacement import Replacement
from rkmend.targets import Target

if TYPE_CHECKING:
    import onnx_ir as ir

STAGES = ((1,), (0, 2, 3))


class ReduceL2All(OperatorRule):
    """The norm of a whole feature map.

    ## What happens

    `build` dies with SIGILL in `OpEmit`, without a message.

    ## Why

    Unknown; tensors of three or five axes convert, and so does every choice of fewer than four of four axes.

    ## Example

    `ReduceL2` of a [1, 8, 6, 10] tensor over all axes.

    ## What rkmend does

    * `two-stages`: the norm over the channels, then the norm of that over the rest.

    ## Exactness and its limits

    `rounding`: a sum of sums of squares, with a root and a square in between.

    ## Evidence

    Toolkit 2.3.2, rk3588: five models of four axes died, batch 1 and 2, with the axes written out or left out.
    """

    code = "RKM214"
    name = "reduce-l2-all"
    level = Level.ERROR
    operators = frozenset({"ReduceL2"})
    mend = "two-stages"
    summary = "Reduces the channels first, then the rest."
    exactness = Exactness.ROUNDING

    def holds(self, node: ir.Node, target: Target) -> Mapping[str, Fact] | None:
        """With four axes, all of them reduced."""
        value = node.inputs[0]
        rank = len(value.shape) if value is not None and value.shape is not None else 0
        return {} if rank == 4 and reduced_axes(node) == [0, 1, 2, 3] else None

    def message(self, node: ir.Node, facts: Mapping[str, Fact]) -> str:
        """See `OperatorRule.message`."""
        return f"ReduceL2 '{node.name}' reduces all of four axes."

    def rewrite(self, node: ir.Node, new: Replacement) -> Sequence[ir.Value | None]:
        """ReduceL2 twice, and a Reshape where the axes go."""
        value = node.inputs[0]
        assert value is not None
        for stage, axes in zip(("channels", "rest"), STAGES, strict=True):
            value = reduced(new, stage, "ReduceL2", value, axes)
        if not node.attributes.get_int("keepdims", 1):
            value = reshaped(new, "scalar", value, [])
        return [value]
