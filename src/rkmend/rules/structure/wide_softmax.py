"""RKM260: a Softmax over more than 8192 elements of the last axis."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rkmend.graph.values import static_shape
from rkmend.rules.base import Finding, Level, Mend, Rule
from rkmend.rules.conv.limits import MAX_SIZE
from rkmend.rules.nodes import nodes_of
from rkmend.targets import Target
from rkmend.toolkit.verdict import Outcome, Verdict

if TYPE_CHECKING:
    import onnx_ir as ir

AFFECTED = ("rk3576",)


class WideSoftmax(Rule):
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
    level = Level.ERROR
    operators = frozenset({"Softmax", "LogSoftmax"})

    def find(self, model: ir.Model, target: Target) -> Iterator[Finding]:
        """Every Softmax with a last axis over 8192."""
        if target.name not in AFFECTED:
            return
        for node in nodes_of(model, self.operators):
            shape = static_shape(node.inputs[0])
            if shape and shape[-1] > MAX_SIZE:
                yield Finding(
                    self.code,
                    self.name,
                    (str(node.name),),
                    {"width": shape[-1], "most": MAX_SIZE},
                    f"{node.op_type} '{node.name}' has rows of {shape[-1]} elements; the NPU has {MAX_SIZE} at most.",
                )

    def recognises(self, verdict: Verdict) -> bool:
        """The compiler died, or wrote a number into too narrow a register."""
        return verdict.outcome in (Outcome.ABORTED, Outcome.UNSOUND)

    def mends(self, model: ir.Model, target: Target, finding: Finding) -> Sequence[Mend]:
        """None."""
        return ()
