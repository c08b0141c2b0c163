"""RKM007: parts of a model that do not depend on its inputs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rkmend.rules.base import Level
from rkmend.rules.model.folding import fold, foldable
from rkmend.rules.whole_model import WholeModelRule
from rkmend.toolkit.verdict import Outcome, Verdict

if TYPE_CHECKING:
    import onnx_ir as ir


_FAILURE = re.compile(r"fold_constant|convert_to_fp32|need to be constant|dynamic graph|NOT_IMPLEMENTED")


class ConstantParts(WholeModelRule):
    """Operators that compute constants, which the toolkit fails to fold or to recognise.

    ## What happens

    `build` raises, while it folds constants or because it has not, for example:

        InvalidArgument: ... Invalid rank for input: s Got: 0 Expected: 1 ... (in fold_constant)

    ## Why

    The toolkit folds constants by its own rules and with an ONNX Runtime of its own, which it feeds wrongly at times
    and which lacks kernels for some dtypes.

    ## Example

    `x / Size(x)`: a scalar that the toolkit asks its own ONNX Runtime for, with the wrong rank.

    ## What rkmend does

    * `fold`: computes them in ONNX Runtime and stores what they give, up to 16 million elements each.

    ## Exactness and its limits

    `exact`: ONNX Runtime computed them before, too. Operators that draw random numbers are left alone, and so is a
    constant that is an output of the model.

    ## Evidence

    Toolkit 2.3.2, rk3588: Size of an input, divided by, fails in `fold_constant` and converts with right numbers once
    it is folded. Shape, Gather, Range, CumSum, Einsum and others of constants the toolkit folds well by itself.
    """

    code = "RKM007"
    name = "constant-parts"
    level = Level.ADVICE
    static_only = True
    mend = "fold"
    summary = "Computes what does not depend on the inputs, and stores it."

    def recognises(self, verdict: Verdict) -> bool:
        """Failures of the toolkit's own folding, and refusals of what it takes for dynamic."""
        return verdict.outcome is Outcome.REJECTED and _FAILURE.search(str(verdict.signature)) is not None

    def places(self, model: ir.Model) -> list[ir.Node]:
        """Operators whose results are the same for all inputs."""
        return foldable(model)

    def rewrite(self, model: ir.Model) -> None:
        """Folds all of them."""
        fold(model, foldable(model))
