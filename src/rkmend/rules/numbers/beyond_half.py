"""RKM402: results that fp16 cannot hold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from rkmend.rules.base import Finding, Mend, Rule
from rkmend.targets import Target
from rkmend.toolkit.tolerance import FP16
from rkmend.toolkit.verdict import Outcome, OutputAgreement, Verdict

if TYPE_CHECKING:
    import onnx_ir as ir

LARGEST = 65504.0
"""The largest finite number of fp16."""


class BeyondHalf(Rule):
    """An output whose values are larger than fp16 holds.

    ## What happens

    The model converts, and the simulator gives infinities, NaN or 65504 where ONNX Runtime gives larger numbers.

    ## Why

    The NPU computes in fp16, whose largest number is 65504.

    ## Example

    `ReduceSumSquare` over 50176 values around 1.5: about 120,000.

    ## What rkmend does

    It refuses: no rewrite brings a number out of the NPU that it cannot hold. Let the model give a scaled result
    (divide by a constant before the sum) and undo that on the CPU, or verify with `--samples` of the size that the
    model will see if these are larger than real ones.

    ## Exactness and its limits

    Nothing is changed. Only outputs are known to be beyond fp16; values inside of the model are for `RKM401`.

    ## Evidence

    Toolkit 2.3.2 and 2.5.0, rk3588: a ReduceSumSquare whose result is 121,800 came out infinite, scaled or not.
    """

    code = "RKM402"
    name = "beyond-half"

    def find(self, model: ir.Model, target: Target) -> Iterable[Finding]:
        """Nothing: how large values are stands in no graph."""
        return ()

    def recognises(self, verdict: Verdict) -> bool:
        """An output is wrong on a sample for which it is beyond fp16."""
        return any(map(_is_beyond, verdict.agreement)) and verdict.outcome is Outcome.WRONG

    def react(self, verdict: Verdict, culprits: tuple[str, ...], target: Target) -> Iterable[Finding]:
        """One for each output."""
        largest: dict[str, float] = {}
        for found in filter(_is_beyond, verdict.agreement):
            largest[found.output] = max(found.reference_max, largest.get(found.output, 0.0))
        for output, value in largest.items():
            message = f"Output {output} reaches {value:.6g}; the largest number of fp16 is {LARGEST:g}."
            yield Finding(self.code, self.name, (), {"output": output, "largest": value}, message)

    def mends(self, model: ir.Model, target: Target, finding: Finding) -> Sequence[Mend]:
        """None."""
        return ()


def _is_beyond(found: OutputAgreement) -> bool:
    return found.reference_max > LARGEST and not FP16.holds(found)
