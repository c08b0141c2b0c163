"""RKM214: ReduceL2 over everything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rkmend.graph.values import content_of
from rkmend.rules.base import Exactness, Fact
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
    operators = frozenset({"ReduceL2"})
    mend = "two-stages"
    summary = "Reduces the channels first, then the rest."
    exactness = Exactness.ROUNDING

    def holds(self, node: ir.Node, target: Target) -> Mapping[str, Fact] | None:
        """With four axes, all of them reduced."""
        value = node.inputs[0]
        rank = len(value.shape) if value is not None and value.shape is not None else 0
        axes = _axes(node)
        does_nothing = not axes and node.attributes.get_int("noop_with_empty_axes", 0) == 1
        if rank != 4 or axes is None or does_nothing:
            return None
        return {} if not axes or {axis % rank for axis in axes} == set(range(rank)) else None

    def message(self, node: ir.Node, facts: Mapping[str, Fact]) -> str:
        """See `OperatorRule.message`."""
        return f"ReduceL2 '{node.name}' reduces all of four axes."

    def rewrite(self, node: ir.Node, new: Replacement) -> Sequence[ir.Value | None]:
        """ReduceL2 twice, and a Reshape where the axes go."""
        import numpy as np

        value = node.inputs[0]
        for stage, axes in zip(("channels", "rest"), STAGES, strict=True):
            if new.opset < 18:
                value = new.node(stage, "ReduceL2", [value], {"axes": list(axes), "keepdims": 1})
            else:
                which = new.constant(f"{stage}_axes", np.array(axes, np.int64))
                value = new.node(stage, "ReduceL2", [value, which], {"keepdims": 1})
        if not node.attributes.get_int("keepdims", 1):
            value = new.node("scalar", "Reshape", [value, new.constant("no_axes", np.zeros(0, np.int64))])
        return [value]


def _axes(node: ir.Node) -> Sequence[int] | None:
    """Attribute or input; empty for all axes, None where they are not known."""
    if len(node.inputs) > 1 and node.inputs[1] is not None:
        content = content_of(node.inputs[1])
        return None if content is None else [int(axis) for axis in content]
    return node.attributes.get_ints("axes", ())
