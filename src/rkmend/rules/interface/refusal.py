"""Refusal: a rule about models that no NPU of this kind could run as they are; it has no mends."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar

from rkmend.graph.model import graph_inputs
from rkmend.rules.base import FAILED, Finding, Mend, Rule
from rkmend.rules.remembered import remembered
from rkmend.targets import Target
from rkmend.toolkit.verdict import Verdict

if TYPE_CHECKING:
    import onnx_ir as ir

NAMED = 4
"""Tensors that a message names."""


class Refusal(Rule):
    """A rule that says why there is nothing to be done; subclasses say of what (`blamed`) and why."""

    why: ClassVar[str]
    """The rest of a sentence that begins with what is blamed."""

    @abstractmethod
    def blamed(self, model: ir.Model) -> list[str]:
        """Names of the tensors or operators that it is about, with what they are."""

    def find(self, model: ir.Model, target: Target) -> Iterator[Finding]:
        """The model as a whole."""
        if blamed := self.blamed(model):
            more = f" and {len(blamed) - NAMED} more" if len(blamed) > NAMED else ""
            listed = f"{', '.join(blamed[:NAMED])}{more}"
            yield Finding(self.code, self.name, (), {"blamed": listed}, f"{listed}: {self.why}")

    def recognises(self, verdict: Verdict) -> bool:
        """Any failure of the toolkit."""
        return verdict.outcome in FAILED

    def mends(self, model: ir.Model, target: Target, finding: Finding) -> Sequence[Mend]:
        """None."""
        return ()


@remembered
def values_of(model: ir.Model) -> list[ir.Value]:
    """Inputs and what is computed, in the main graph."""
    return [*graph_inputs(model.graph), *(value for node in model.graph for value in node.outputs)]
