"""RKM009: a model that does not say which default operator set it is written in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rkmend.rules.base import Exactness, Finding
from rkmend.rules.model.opset import NEWEST
from rkmend.rules.single_mend import SingleMend
from rkmend.targets import Target
from rkmend.toolkit.verdict import Outcome, Verdict

if TYPE_CHECKING:
    import onnx_ir as ir


class NoDefaultOpset(SingleMend):
    """All operators are of another domain, and the version of the default one is not given.

    ## What happens

    `build` raises:

        RuntimeError: /github/workspace/onnx/version_converter/convert.h:88: assertInVersionRange: Assertion `version >=
        version_range.first && version <= version_range.second` failed

    ## Why

    ONNX lets a model leave out the domains that it does not use. The toolkit wants the version of the default one.

    ## Example

    A single `Binarizer` of ai.onnx.ml.

    ## What rkmend does

    * `declared`: declares opset 19 for the default domain.

    ## Exactness and its limits

    `exact`: no operator is of that domain.

    ## Evidence

    Toolkit 2.3.2, rk3588: Binarizer and ArrayFeatureExtractor are rejected, and left to the CPU with right numbers once
    it is declared.
    """

    code = "RKM009"
    name = "no-default-opset"
    mend = "declared"
    summary = "Declares an operator set of the default domain."
    exactness = Exactness.EXACT

    def find(self, model: ir.Model, target: Target) -> Iterator[Finding]:
        """The model as a whole."""
        if "" not in model.opset_imports:
            listed = ", ".join(sorted(model.opset_imports))
            message = f"The model declares operators of {listed} only, and no default operator set."
            yield Finding(self.code, self.name, (), {"domains": listed}, message)

    def recognises(self, verdict: Verdict) -> bool:
        """Any exception."""
        return verdict.outcome is Outcome.REJECTED

    def change(self, model: ir.Model, finding: Finding) -> None:
        """The declaration."""
        model.opset_imports[""] = NEWEST
