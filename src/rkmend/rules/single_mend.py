"""SingleMend: the common case of a rule, with one mend that rewrites the graph."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from rkmend.rules.base import Exactness, Finding, Mend, Rule
from rkmend.rules.replacement import Replacement
from rkmend.targets import Target

if TYPE_CHECKING:
    import onnx_ir as ir


class SingleMend(Rule):
    """A rule with one mend; subclasses say what it is and carry it out (`change`)."""

    mend: ClassVar[str]
    """Name of the mend."""
    summary: ClassVar[str]
    """What it does, in one sentence; `{name}` stands for a fact of the Finding."""
    exactness: ClassVar[Exactness]
    bound: ClassVar[float] = 0.0
    """See `Mend.bound`."""

    @abstractmethod
    def change(self, model: ir.Model, finding: Finding) -> None:
        """Rewrites a model in place at the nodes of a Finding, see `Mend.rewrite`."""

    def noise(self, finding: Finding) -> float:
        """See `Mend.noise`."""
        return 0.0

    def mends(self, model: ir.Model, target: Target, finding: Finding) -> Sequence[Mend]:
        """The one."""
        return [
            Mend(
                name=self.mend,
                summary=self.summary.format(**finding.facts),
                exactness=self.exactness,
                rewrite=partial(self.change, finding=finding),
                bound=self.bound,
                noise=self.noise(finding),
            )
        ]

    def replacement(self, node: ir.Node, others: Sequence[ir.Node] = ()) -> Replacement:
        """What is put in the place of a node by this mend, see `Replacement`."""
        return Replacement(node, code=self.code, mend=self.mend, others=others)
