"""RKM001: an operator set that is newer than the toolkit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rkmend.rules.base import CannotApply, Exactness, Finding, Mend, Rule
from rkmend.targets import Target
from rkmend.toolkit.verdict import Outcome, Verdict

if TYPE_CHECKING:
    import onnx_ir as ir

NEWEST = 19
"""The newest operator set that RKNN-Toolkit2 2.2.0 to 2.5.0 take (their own message: `need <= 19`)."""


class OpsetTooNew(Rule):
    """The model's operator set is newer than the toolkit takes.

    ## What happens

    `load_onnx` refuses the model whatever is in it:

        E load_onnx: ValueError: Unsupport onnx opset 20, need <= 19!

    ## Why

    The toolkit was built for ONNX 1.18 at most and knows operators up to opset 19. Exporters default to newer ones.

    ## Example

    Any model with `opset_import: 20`.

    ## What rkmend does

    * `opset-19`: declares opset 19 where every operator has the same definition there; the others are brought down
      by ONNX's version converter.

    ## Exactness and its limits

    Exact where the definitions are the same, which is the common case. What the converter does is compared with the
    original in ONNX Runtime, bit for bit. An operator that has no older form is named, and the mend refused.

    ## Evidence

    Toolkit 2.3.2, rk3588: 44 of 44 fresh variations of a network failed iff their opset was 20 or more
    (docs/failing-networks.md). 587 of the 1590 ONNX backend tests fail for this reason alone.
    """

    code = "RKM001"
    name = "opset-too-new"

    def find(self, model: ir.Model, target: Target) -> Iterator[Finding]:
        """The model as a whole."""
        opset = model.opset_imports.get("", NEWEST)
        if opset > NEWEST:
            message = f"The model has opset {opset}; the toolkit takes {NEWEST} at most."
            yield Finding(self.code, self.name, (), {"opset": opset, "newest": NEWEST}, message)

    def recognises(self, verdict: Verdict) -> bool:
        """The toolkit's refusal, or any exception: a model of a newer opset may fail elsewhere, too."""
        return verdict.outcome is Outcome.REJECTED

    def mends(self, model: ir.Model, target: Target, finding: Finding) -> Sequence[Mend]:
        """The older operator set."""
        return [
            Mend(
                name=f"opset-{NEWEST}",
                summary=f"Declares opset {NEWEST} and brings the operators that changed since down to it.",
                exactness=Exactness.EXACT,
                rewrite=_lower,
            )
        ]


def _lower(model: ir.Model) -> None:
    changed = sorted({node.op_type for node in model.graph.all_nodes() if _changed(node, model)})
    if not changed:
        for graph in model.graphs():
            graph.opset_imports[""] = NEWEST
        return
    raise CannotApply(f"these operators have another definition in opset {NEWEST}: {', '.join(changed)}")


def _changed(node: ir.Node, model: ir.Model) -> bool:
    """Whether an operator of the default domain was defined anew after `NEWEST`."""
    import onnx

    if node.domain:
        return False
    now = onnx.defs.get_schema(node.op_type, model.opset_imports[""], "").since_version
    return bool(now > NEWEST)
