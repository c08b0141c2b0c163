"""NodeRule: a rule that holds, or does not, at each operator of some types by itself."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, ClassVar

from rkmend.rules.base import Fact, Finding, Rule
from rkmend.rules.nodes import nodes_of
from rkmend.targets import Target

if TYPE_CHECKING:
    import onnx_ir as ir


class NodeRule(Rule):
    """A rule about single operators of the main graph, with a Finding for each at which it holds."""

    operators: ClassVar[frozenset[str]]
    """Operator types; those outside of the default domain as `com.microsoft::Gelu`."""

    @abstractmethod
    def holds(self, node: ir.Node, target: Target) -> Mapping[str, Fact] | None:
        """The facts because of which the rule holds at an operator of its types; None where it does not."""

    @abstractmethod
    def message(self, node: ir.Node, facts: Mapping[str, Fact]) -> str:
        """One sentence for the report, with the facts in it."""

    def find(self, model: ir.Model, target: Target) -> Iterator[Finding]:
        """See `Rule.find`."""
        for node in nodes_of(model, self.operators):
            if (facts := self.holds(node, target)) is not None:
                yield Finding(self.code, self.name, (str(node.name),), dict(facts), self.message(node, facts))
