"""RKM055: operators that no output depends on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rkmend.graph.model import graph_inputs
from rkmend.graph.surgery import is_read
from rkmend.graph.walk import inner_nodes
from rkmend.rules.base import Exactness, Finding, Level
from rkmend.rules.model.tidy import drop_dead
from rkmend.rules.single_mend import SingleMend
from rkmend.targets import Target
from rkmend.toolkit.verdict import Outcome, Verdict

if TYPE_CHECKING:
    import onnx_ir as ir


class DeadOperators(SingleMend):
    """An input that is read only by operators on which no output depends.

    ## What happens

    `build` raises:

        TypeError: argument of type 'NoneType' is not iterable (in check_inputs)

    ## Why

    The toolkit removes such operators, and then looks for the readers of their inputs.

    ## Example

    A model that was cut, and kept the branch that led to another output.

    ## What rkmend does

    * `drop-dead`: takes out all operators that no output depends on. The input stays, unread; the .rknn does not have
      it, and the report says so.

    ## Exactness and its limits

    Exact: what is taken out gives nothing.

    ## Evidence

    Toolkit 2.3.2, rk3588: failed with `Abs` of an input, its result unread; an input without any reader converts.
    """

    code = "RKM055"
    name = "dead-operators"
    level = Level.ERROR
    mend = "drop-dead"
    summary = "Takes out the operators that no output depends on."
    exactness = Exactness.EXACT

    def find(self, model: ir.Model, target: Target) -> Iterator[Finding]:
        """All such inputs together."""
        needed = _needed(model)
        names = [
            str(value.name) for value in graph_inputs(model.graph) if is_read(value) and value not in needed
        ]
        if names:
            listed = ", ".join(names)
            message = f"No output depends on what is computed from {listed}."
            yield Finding(self.code, self.name, (), {"inputs": listed}, message)

    def recognises(self, verdict: Verdict) -> bool:
        """Any exception."""
        return verdict.outcome is Outcome.REJECTED

    def change(self, model: ir.Model, finding: Finding) -> None:
        """Without them."""
        drop_dead(model)


def _needed(model: ir.Model) -> set[ir.Value]:
    """What the outputs depend on."""
    needed = set(model.graph.outputs)
    for node in reversed(model.graph):
        if not needed.isdisjoint(node.outputs):
            for reader in (node, *inner_nodes(node)):
                needed.update(value for value in reader.inputs if value is not None)
    return needed
