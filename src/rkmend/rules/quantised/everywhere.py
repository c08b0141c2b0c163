"""EverywhereRule: a rule whose mend goes to all of its places at once."""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from rkmend.rules.base import FAILED, Fact, Finding
from rkmend.rules.single_mend import SingleMend
from rkmend.targets import Target
from rkmend.toolkit.verdict import Verdict

if TYPE_CHECKING:
    import onnx_ir as ir


class EverywhereRule(SingleMend):
    """A rule about operators that a quantised model is full of, and that are all mended together.

    A model with one fewer of them fails alike, so that a Trial for each would tell nothing. The proof is about each
    place on its own none the less: what goes into one is free, wherever it comes from.
    """

    what: ClassVar[str]
    """Begins the message: what the model does."""
    whole: ClassVar[bool] = False
    """Whether the Finding is about the model as a whole, so that no operator has to be blamed first."""

    @abstractmethod
    def places(self, graph: ir.Graph) -> tuple[list[ir.Node], list[ir.Node]]:
        """The operators that the rule holds at, and all nodes that the mend replaces; both in graph order."""

    @abstractmethod
    def rewrite(self, model: ir.Model) -> None:
        """Replaces them."""

    def find(self, model: ir.Model, target: Target) -> Iterator[Finding]:
        """All places in one Finding, with the number of operators of each type."""
        held, replaced = self.places(model.graph)
        if held:
            kinds: dict[str, Fact] = dict(sorted(Counter(node.op_type for node in held).items()))
            listed = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
            nodes = () if self.whole else tuple(str(node.name) for node in replaced)
            yield Finding(self.code, self.name, nodes, kinds, f"{self.what}: {listed}.")

    def recognises(self, verdict: Verdict) -> bool:
        """Any failure that an operator can be to blame for."""
        return verdict.outcome in FAILED

    def change(self, model: ir.Model, finding: Finding) -> None:
        """All of them."""
        self.rewrite(model)
