"""RKM001: an operator set that is newer than the toolkit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from rkmend.rules.base import CannotApply, Exactness, Finding, Level, Mend, Rule
from rkmend.rules.model.definitions import has_definition, inline, write_out
from rkmend.rules.model.folding import fold, foldable
from rkmend.rules.model.older_forms import OLDER_FORMS
from rkmend.rules.model.same_form import idle_attributes, same_form
from rkmend.rules.replacement import Replacement
from rkmend.targets import Target
from rkmend.toolkit.verdict import Outcome, Verdict

if TYPE_CHECKING:
    import onnx_ir as ir

NEWEST = 19
"""The newest operator set that RKNN-Toolkit2 2.2.0 to 2.5.0 take (their own message: `need <= 19`)."""

MEND = f"opset-{NEWEST}"


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

    * `opset-19`: declares opset 19. Most newer definitions only take more dtypes, inputs or attributes than the older
      one; what makes no use of them stays as it is. The others are written in older operators: by the
      function by which ONNX defines them (Attention, Gelu, RMSNormalization, Swish, ...), or, where that is missing or
      bad for an NPU, by forms of rkmend's own (AffineGrid, DFT, GridSample, GroupNormalization, IsInf of float16,
      ReduceMax and ReduceMin of bool, RotaryEmbedding, QuantizeLinear and DequantizeLinear with blocks or 16-bit
      numbers). What a newer operator makes of constants alone (weights of four bits) is computed.

    ## Exactness and its limits

    `exact` where all operators stay as they are, which is the common case; `rounding` where one is written in others.
    The whole model is compared with the original in ONNX Runtime. What has no older form is named with its dtypes
    (bfloat16, float8, text, volumes in GridSample), and the mend refused.

    ## Evidence

    Toolkit 2.3.2, rk3588: 44 of 44 fresh variations of a network failed iff their opset was 20 or more
    (docs/failing-networks.md). 587 of the 1590 ONNX backend tests fail for this reason alone. In a sample of them the
    forms converted with right numbers, among them Attention in all its variants that were tried, RMSNormalization,
    RotaryEmbedding, GroupNormalization, AffineGrid, GridSample, DFT, Gelu. RotaryEmbedding by ONNX's own function
    fails: it splits off a rest that is empty.
    """

    code = "RKM001"
    name = "opset-too-new"
    level = Level.ERROR

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
        exactness = Exactness.ROUNDING if _changed(model) else Exactness.EXACT
        return [
            Mend(
                name=MEND,
                summary=f"Declares opset {NEWEST} and writes newer operators in the older ones they are made of.",
                exactness=exactness,
                rewrite=_lower,
            )
        ]


def _lower(model: ir.Model) -> None:
    if model.functions:
        inline(model)
    _fold_changed(model)
    while defined := [node for node in _changed(model) if node.op_type not in OLDER_FORMS]:
        opset = model.opset_imports[""]
        if left := [node for node in defined if not has_definition(node, opset)]:
            raise CannotApply(f"without a form in opset {NEWEST} that is known here: {_listed(left)}")
        write_out(model, defined, code=OpsetTooNew.code, mend=MEND)
    for node in _changed(model):
        new = Replacement(node, code=OpsetTooNew.code, mend=MEND)
        new.finish(OLDER_FORMS[node.op_type](node, new))
    for node in model.graph.all_nodes():
        for name in idle_attributes(node, model.opset_imports[""], NEWEST) if not node.domain else ():
            del node.attributes[name]
    for graph in model.graphs():
        graph.opset_imports[""] = NEWEST


def _changed(model: ir.Model) -> list[ir.Node]:
    """The operators of the default domain, at all levels, that cannot be read as older ones."""
    opset = model.opset_imports[""]
    return [
        node for node in model.graph.all_nodes() if not node.domain and not same_form(node, opset, NEWEST)
    ]


def _fold_changed(model: ir.Model) -> None:
    """Computes the constants that newer operators give, such as weights of four bits, while they are there."""
    constant = foldable(model)
    needed = set(_changed(model)) & set(constant)
    for node in reversed(constant):
        if node in needed:
            needed.update(maker for value in node.inputs if value and (maker := value.producer()) in constant)
    if needed:
        fold(model, [node for node in constant if node in needed])


def _listed(nodes: Iterable[ir.Node]) -> str:
    kinds = {
        f"{node.op_type} ({', '.join(value.dtype.name.lower() for value in node.inputs if value and value.dtype)})"
        for node in nodes
    }
    return ", ".join(sorted(kinds))
