"""RKM260: a Softmax over more than 8192 elements of the last axis."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rkmend.graph.values import static_shape
from rkmend.rules.bare import BareRule
from rkmend.rules.base import Fact
from rkmend.rules.conv.limits import MAX_SIZE
from rkmend.targets import Target

if TYPE_CHECKING:
    import onnx_ir as ir

AFFECTED = ("rk3576",)


class WideSoftmax(BareRule):
    """A Softmax of rows of more than 8192 elements, on RK3576.

    ## What happens

    `build` dies with SIGILL, or says it succeeded with a number in a register that is too narrow for it, so that the
    layer fails on the board or computes something else:

        E RKNN: REGTASK: The bit width of field value exceeds the limit, target: f2, offset: 0x402c, shift = 0,
        limit: 0x1fff, value: 0x2007

    ## Why

    Widths have 13 bits. RK3588 leaves such a Softmax to the CPU.

    ## Example

    `Softmax` along the last axis of 1x64x8539.

    ## What rkmend does

    It names the width. There is no mend yet: a Softmax needs its whole row. Reshape the row to height and width before
    it where the network allows that, or leave the Softmax to what comes after the NPU.

    ## Exactness and its limits

    Static shapes, along any axis.

    ## Evidence

    Toolkit 2.3.2, rk3576, fp16 and int8, own trials: 7 of 7 with rows of 8200 to 9000 failed, 8192 and less convert. On
    rk3588 all convert, with the Softmax on the CPU; on rk3562 7 of 20 died, all with rows of 8539, the others convert.
    """

    code = "RKM260"
    name = "softmax-too-wide"
    operators = frozenset({"Softmax", "LogSoftmax"})

    def holds(self, node: ir.Node, target: Target) -> Mapping[str, Fact] | None:
        """A last axis over 8192."""
        shape = static_shape(node.inputs[0])
        if target.name not in AFFECTED or not shape or shape[-1] <= MAX_SIZE:
            return None
        return {"width": shape[-1], "most": MAX_SIZE}

    def message(self, node: ir.Node, facts: Mapping[str, Fact]) -> str:
        """How long the rows are."""
        name, width, most = node.name, facts["width"], facts["most"]
        return f"{node.op_type} '{name}' has rows of {width} elements; the NPU has {most} at most."
