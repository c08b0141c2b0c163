"""BareRule: a rule that names a failure of single operators for which there is no mend yet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rkmend.rules.base import Finding, Level, Mend
from rkmend.rules.node_rule import NodeRule
from rkmend.targets import Target
from rkmend.toolkit.verdict import Outcome, Verdict

if TYPE_CHECKING:
    import onnx_ir as ir


class BareRule(NodeRule):
    """A rule about operators that do not convert, or into a file that will fail, without another way to write them."""

    level = Level.ERROR

    def recognises(self, verdict: Verdict) -> bool:
        """The compiler died, or wrote a number into too narrow a register."""
        return verdict.outcome in (Outcome.ABORTED, Outcome.UNSOUND)

    def mends(self, model: ir.Model, target: Target, finding: Finding) -> Sequence[Mend]:
        """None."""
        return ()
