"""RKM606: an operator on fewer than four axes whose rows do not fill the memory layout."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rkmend.graph.values import static_shape
from rkmend.rules.base import Fact, Level
from rkmend.rules.design_rule import DesignRule
from rkmend.targets import Target
from rkmend.tiling.storage import BYTES

if TYPE_CHECKING:
    import onnx_ir as ir

MOST_AXES = 3


class FlatRows(DesignRule):
    """An operator on fewer than four axes whose rows do not fill the memory layout.

    ## What happens

    The model converts, and the layer table has a Reshape on the `CPU` before or behind the operator, or a Transpose.

    ## Why

    The NPU keeps tensors as NC1HWC2, with channels in groups of C2 (8 in fp16, 16 in int8; half of it on RK3566 and
    RK3568). A tensor of fewer axes is reshaped to four, which the NPU can do if its rows are whole groups.

    ## Example

    `MatMul` of [386, 137] with [137, 640]: 137 is no multiple of 8.

    ## What rkmend does

    It names the length of the row and the group. Nothing is changed. Widths that are multiples of 16 cost nothing.

    ## Exactness and its limits

    Static shapes. Operators between others of the same shape may share one Reshape, or need none.

    ## Evidence

    Own trials of random layers, one operator each, toolkit 2.3.2, rk3588, fp16 and int8: see the column `on CPU` in
    docs/agreement.md.
    """

    code = "RKM606"
    name = "flat-rows"
    level = Level.ADVICE
    operators = frozenset({"MatMul", "Softmax", "Transpose"})

    def holds(self, node: ir.Node, target: Target) -> Mapping[str, Fact] | None:
        """Two or three axes, in or out, of which the last is no multiple of the group."""
        group = target.atom_bytes // max(BYTES[dtype] for dtype in target.dtypes)
        for value in (node.inputs[0], node.outputs[0]):
            shape = static_shape(value)
            if shape and 1 < len(shape) <= MOST_AXES and shape[-1] % group:
                return {"row": shape[-1], "group": group}
        return None

    def message(self, node: ir.Node, facts: Mapping[str, Fact]) -> str:
        """Which row, and of what it should be a multiple."""
        return (
            f"{node.op_type} '{node.name}' has rows of {facts['row']}, no multiple of {facts['group']}: a Reshape to "
            "the NPU's layout may run on the CPU."
        )
