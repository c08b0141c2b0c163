"""BareRule: a rule that names a failure of single operators for which there is no mend yet."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from rkmend.rules.base import Fact, Finding, Level, Mend, Rule
from rkmend.rules.nodes import nodes_of
from rkmend.targets import Target
from rkmend.toolkit.verdict import Outcome, Verdict

if TYPE_CHECKING:
    import onnx_ir as ir


class BareRule(Rule):
    """A rule about operators that do not convert, or into a file that will fail, without another way to write them."""

    operators: ClassVar[frozenset[str]]
    level = Level.ERROR

    @abstractmethod
    def holds(self, node: ir.Node, target: Target) -> Mapping[str, Fact] | None:
        """The facts because of which the rule holds at an operator of its types; None where it does not."""

    @abstractmethod
    def message(self, node: ir.Node, facts: Mapping[str, Fact]) -> str:
        """One sentence with the facts in it."""

    def find(self, model: ir.Model, target: Target) -> Iterator[Finding]:
        """See `Rule.find`."""
        for node in nodes_of(model, self.operators):
            if (facts := self.holds(node, target)) is not None:
                yield Finding(self.code, self.name, (str(node.name),), dict(facts), self.message(node, facts))

    def recognises(self, verdict: Verdict) -> bool:
        """The compiler died, or wrote a number into too narrow a register."""
        return verdict.outcome in (Outcome.ABORTED, Outcome.UNSOUND)

    def mends(self, model: ir.Model, target: Target, finding: Finding) -> Sequence[Mend]:
        """None."""
        return ()
