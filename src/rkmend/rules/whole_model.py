"""WholeModelRule: the common case of a rule about something that a model may have in many places, and none is right."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar

from rkmend.rules.base import Exactness, Fact, Finding
from rkmend.rules.single_mend import SingleMend
from rkmend.targets import Target
from rkmend.toolkit.verdict import Outcome, Verdict

if TYPE_CHECKING:
    import onnx_ir as ir


class WholeModelRule(SingleMend):
    """A rule about certain nodes at any level of a model, all of which its mend changes at once.

    Subclasses say which nodes (`places`) and change them (`rewrite`). A failure need not be located for it: the
    toolkit fails while it reads the model, or names something else.
    """

    exactness: ClassVar[Exactness] = Exactness.EXACT

    @abstractmethod
    def places(self, model: ir.Model) -> list[ir.Node]:
        """The nodes at which the rule holds; needs inferred shapes."""

    @abstractmethod
    def rewrite(self, model: ir.Model) -> None:
        """Changes the model, in place, so that there are no more such nodes.

        Raises:
            CannotApply: It does not fit.
        """

    def message(self, places: Sequence[ir.Node]) -> str:
        """One sentence for the report."""
        named = ", ".join(f"{node.op_type} '{node.name}'" for node in places[:3])
        more = f" and {len(places) - 3} more" if len(places) > 3 else ""
        return f"{self.name.replace('-', ' ').capitalize()}: {named}{more}."

    def find(self, model: ir.Model, target: Target) -> Iterator[Finding]:
        """One finding for all the nodes."""
        if places := self.places(model):
            facts: dict[str, Fact] = {"places": len(places), "first": str(places[0].name)}
            yield Finding(self.code, self.name, (), facts, self.message(places))

    def recognises(self, verdict: Verdict) -> bool:
        """Any failure of the toolkit itself."""
        return verdict.outcome in (Outcome.REJECTED, Outcome.ABORTED)

    def change(self, model: ir.Model, finding: Finding) -> None:
        """All of them."""
        self.rewrite(model)
