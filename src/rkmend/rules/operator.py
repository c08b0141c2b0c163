"""OperatorRule: the common case of a rule, about single operators that the toolkit does not get right."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from rkmend.rules.base import FAILED, STUCK, Exactness, Fact, Finding
from rkmend.rules.node_rule import NodeRule
from rkmend.rules.replacement import Replacement
from rkmend.rules.single_mend import SingleMend
from rkmend.targets import Target
from rkmend.toolkit.verdict import Verdict

if TYPE_CHECKING:
    import onnx_ir as ir


class OperatorRule(NodeRule, SingleMend):
    """A rule about single operators of the main graph, each rewritten into others that compute the same.

    Subclasses say which operators (`operators`, `holds`), and give the rewrite (`rewrite`).
    """

    exactness: ClassVar[Exactness] = Exactness.ROUNDING

    def holds(self, node: ir.Node, target: Target) -> Mapping[str, Fact] | None:
        """The facts because of which the rule holds at an operator of its types; None where it does not."""
        return {}

    @abstractmethod
    def rewrite(self, node: ir.Node, new: Replacement) -> Sequence[ir.Value | None]:
        """Makes what takes the place of an operator.

        Args:
            node: With inferred shapes.
            new: Makes nodes and constants.

        Returns:
            One value for each output; None for one that nobody reads.

        Raises:
            CannotApply: It does not fit this operator.
        """

    def message(self, node: ir.Node, facts: Mapping[str, Fact]) -> str:
        """One sentence for the report."""
        listed = ", ".join(f"{name} {value}" for name, value in facts.items())
        return f"{node.op_type} '{node.name}' {self.name.replace('-', ' ')}" + (
            f": {listed}." if listed else "."
        )

    def recognises(self, verdict: Verdict) -> bool:
        """Any failure that an operator can be to blame for."""
        return verdict.outcome in FAILED + STUCK

    def change(self, model: ir.Model, finding: Finding) -> None:
        """Puts the rewrite in the place of the operator, which is the first of the nodes."""
        node = finding.node_in(model)
        new = self.replacement(node)
        new.finish(*self.rewrite(node, new))
