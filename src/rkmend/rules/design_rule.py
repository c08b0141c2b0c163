"""DesignRule: a rule about what a model converts to, not about a failure; conversions never try a mend for it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from rkmend.rules.base import Fact, Finding, Level, Mend, Rule
from rkmend.rules.nodes import nodes_of
from rkmend.targets import Target
from rkmend.toolkit.verdict import Verdict

if TYPE_CHECKING:
    import onnx_ir as ir


class DesignRule(Rule):
    """A rule about single operators that convert and run worse than they could.

    No failed Trial bears its signature, so it is neither the cause of one nor has it mends to be tried.
    """

    operators: ClassVar[frozenset[str]]
    level = Level.ADVICE

    @abstractmethod
    def holds(self, node: ir.Node, target: Target) -> Mapping[str, Fact] | None:
        """The facts because of which the rule holds at an operator of its types; None where it does not."""

    @abstractmethod
    def message(self, node: ir.Node, facts: Mapping[str, Fact]) -> str:
        """One sentence with the facts in it, and what would be better."""

    def find(self, model: ir.Model, target: Target) -> Iterator[Finding]:
        """See `Rule.find`."""
        for node in nodes_of(model, self.operators):
            if (facts := self.holds(node, target)) is not None:
                message = self.message(node, facts)
                yield Finding(self.code, self.name, (str(node.name),), dict(facts), message)

    def recognises(self, verdict: Verdict) -> bool:
        """None: it is about models that convert."""
        return False

    def mends(self, model: ir.Model, target: Target, finding: Finding) -> Sequence[Mend]:
        """None: another design is another model."""
        return ()
