"""RKM308: tensors of different size, joined to one output of an int8 build."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from rkmend.rules.base import Finding, Mend, Rule
from rkmend.targets import Target
from rkmend.toolkit.tolerance import loses_a_part
from rkmend.toolkit.verdict import Outcome, Verdict

if TYPE_CHECKING:
    import onnx_ir as ir


class JoinedRanges(Rule):
    """An output of an int8 build that joins large numbers and small ones.

    ## What happens

    The model converts, and a cosine of the whole output looks perfect; but part of it is all zero or mere steps: the
    scores of a detector.

    ## Why

    An int8 tensor has one range, cut into 255 steps. Boxes reach 640, so a step is 2.5, and scores of at most 1 are
    rounded to zero where a Concat joins them to the boxes.

    ## Example

    The head of a YOLO: `Concat` of boxes in pixels and Sigmoid of the classes.

    ## What rkmend does

    It takes the joining operators out: the .rknn gives each part as an output with a range of its own, and
    `<stem>.tail.onnx` joins them on the CPU. The status is `partial`: whoever uses the .rknn gets other outputs, under
    the names that the tensors have in the model. Where a part is itself joined of unequal tensors (the levels of a
    detector), that Concat goes as well. The box decoding behind them goes into the tail if it comes after the Concat.

    ## Exactness and its limits

    The tail is the model's own operators. What feeds them is verified in the simulator as any int8 output.

    ## Evidence

    Toolkit 2.3.2, rk3588: of boxes up to 2496 and scores, the scores are lost (cosine 0 of the part, 0.9999 of the
    whole), and right as an output of their own. With the Concat on the CPU (`op_target`) they are lost as well: the
    toolkit keeps it in int8. YOLOX-nano: cut before the Concat of its levels, then before those of boxes, objectness
    and classes: nine outputs, and eight operators in the tail.
    """

    code = "RKM308"
    name = "joined-ranges"

    def find(self, model: ir.Model, target: Target) -> Iterable[Finding]:
        """Nothing: how large numbers are stands in no graph."""
        return ()

    def react(self, verdict: Verdict, culprits: tuple[str, ...], target: Target) -> Iterable[Finding]:
        """Each output of which a part is lost."""
        lost = dict.fromkeys(found.output for found in verdict.agreement if loses_a_part(found))
        for output in lost:
            message = (
                f"Output {output} joins tensors of different size, and int8 leaves nothing of one of them."
            )
            yield Finding(self.code, self.name, culprits, {"output": output}, message)

    def recognises(self, verdict: Verdict) -> bool:
        """A part of an output is lost."""
        return verdict.outcome is Outcome.WRONG and any(map(loses_a_part, verdict.agreement))

    def mends(self, model: ir.Model, target: Target, finding: Finding) -> Sequence[Mend]:
        """None that keeps the outputs: the joining operators are left for the CPU."""
        return ()
