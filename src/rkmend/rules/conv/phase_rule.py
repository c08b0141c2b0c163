"""PhaseRule: a rule about ConvTransposes that are computed phase by phase of their stride instead."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from rkmend.rules.base import Exactness, Fact, Finding, Mend
from rkmend.rules.conv.phases import by_phases, by_transpose
from rkmend.rules.conv.transposed import TransposedConv
from rkmend.rules.operator import OperatorRule
from rkmend.rules.replacement import Replacement
from rkmend.targets import Target

if TYPE_CHECKING:
    import onnx_ir as ir

BY_TRANSPOSE = "phases-by-transpose"


class PhaseRule(OperatorRule):
    """Subclasses say which ConvTransposes; `TransposedConv` reads them, and their weights are constant."""

    operators = frozenset({"ConvTranspose"})
    mend = "phases"
    summary = "Computes the outputs of each phase of the stride by a Conv and interleaves them by Concats."
    exactness = Exactness.ROUNDING

    @abstractmethod
    def holds(self, node: ir.Node, target: Target) -> Mapping[str, Fact] | None:
        """See `NodeRule.holds`."""

    def rewrite(self, node: ir.Node, new: Replacement) -> Sequence[ir.Value | None]:
        """A Conv, and what puts its channels between each other."""
        return [by_phases(_read(node), new)]

    def mends(self, model: ir.Model, target: Target, finding: Finding) -> Sequence[Mend]:
        """The same with a Transpose, where Concats lead nowhere."""
        return [
            *super().mends(model, target, finding),
            Mend(
                BY_TRANSPOSE,
                "Computes the outputs of each phase of the stride by a Conv and interleaves them by a Transpose.",
                self.exactness,
                partial(self._by_transpose, finding=finding),
                last_resort=True,
            ),
        ]

    def _by_transpose(self, model: ir.Model, finding: Finding) -> None:
        node = finding.node_in(model)
        new = Replacement(node, code=self.code, mend=BY_TRANSPOSE)
        new.finish(by_phases(_read(node), new, by_transpose))


def _read(node: ir.Node) -> TransposedConv:
    conv = TransposedConv.read(node)
    assert conv is not None
    return conv
