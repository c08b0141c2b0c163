"""DesignRule: a rule about what a model converts to, not about a failure; conversions never try a mend for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rkmend.rules.base import Finding, Level, Mend
from rkmend.rules.node_rule import NodeRule
from rkmend.targets import Target
from rkmend.toolkit.verdict import Verdict

if TYPE_CHECKING:
    import onnx_ir as ir


class DesignRule(NodeRule):
    """A rule about single operators that convert and run worse than they could.

    No failed Trial bears its signature, so it is neither the cause of one nor has it mends to be tried.
    """

    level = Level.ADVICE

    def recognises(self, verdict: Verdict) -> bool:
        """None: it is about models that convert."""
        return False

    def mends(self, model: ir.Model, target: Target, finding: Finding) -> Sequence[Mend]:
        """None: another design is another model."""
        return ()
