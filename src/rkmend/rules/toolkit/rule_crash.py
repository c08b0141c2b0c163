"""RKM901: the toolkit dies in one of its own graph rules."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import msgspec

from rkmend.rules.base import Exactness, Finding, Mend, Rule
from rkmend.targets import Target
from rkmend.toolkit.options import BuildOptions
from rkmend.toolkit.verdict import Outcome, Verdict

if TYPE_CHECKING:
    import onnx_ir as ir

_RULE = re.compile(r"\(in rule (\w+)\)")


class ToolkitRuleCrash(Rule):
    """A Python exception out of one of the toolkit's own optimisation rules.

    ## What happens

    `load` or `build` raises while the toolkit rewrites the graph. The log says in which of its rules:

        E build: Catch exception when building RKNN model!
        E build:   File "rknn/api/graph_optimizer.py", line ..., in ...
        ...
        ValueError: operands could not be broadcast together with shapes (57,512) (57,)

    ## Why

    The rule takes for granted what this graph does not fulfil: a rank, a number of consumers, a constant of a
    certain shape. The model is right, and the rule is an optimisation that the model can do without.

    ## Example

    `Mul` by a vector, then `Gemm`: `fuse_mul_into_gemm` multiplies the weights by the vector along the wrong axis.

    ## What rkmend does

    * `disable-rule`: builds with `disable_rules` set to the rule that the log names. If another rule dies next,
      that one as well. Only where no rewrite is known: that keeps the operator on the NPU.

    ## Exactness and its limits

    The graph stays as it is. But a model without the rule is another program to the compiler: it may leave an
    operator to the CPU, or compute something else. So the result is verified in the simulator as any other.

    ## Evidence

    Toolkit 2.3.2, rk3588, fp16: policies of robots (`fuse_mul_into_gemm`). Toolkit 2.5.0: attention without a scale
    (`fuse_exmatmul_add_mul_exsoftmax13_exmatmul_to_sdpa`), Add and Mul of five axes with a constant (`squeeze_nd_add`,
    `squeeze_nd_mul`), Pad before Conv (`fuse_pad_into_conv`). The minimal models are in docs/failing-networks.md.
    """

    code = "RKM901"
    name = "toolkit-rule-crash"

    def find(self, model: ir.Model, target: Target) -> Iterable[Finding]:
        """Nothing: only the failure tells."""
        return ()

    def react(self, verdict: Verdict, culprits: tuple[str, ...]) -> Iterable[Finding]:
        """The rule that the log names."""
        found = _RULE.search(verdict.signature.message) if verdict.signature else None
        if found:
            message = f"The toolkit's own graph rule `{found[1]}` raises an exception on this model."
            yield Finding(self.code, self.name, culprits, {"toolkit_rule": found[1]}, message)

    def recognises(self, verdict: Verdict) -> bool:
        """A Python exception in a rule."""
        signature = verdict.signature
        return (
            verdict.outcome is Outcome.REJECTED
            and signature is not None
            and _RULE.search(signature.message) is not None
        )

    def mends(self, model: ir.Model, target: Target, finding: Finding) -> Sequence[Mend]:
        """The build option that leaves the rule out."""
        name = str(finding.facts["toolkit_rule"])

        def without(old: BuildOptions) -> BuildOptions:
            return msgspec.structs.replace(
                old, disable_rules=tuple(dict.fromkeys((*old.disable_rules, name)))
            )

        summary = f"Builds without the toolkit's rule `{name}`."
        return [
            Mend(
                name="disable-rule",
                summary=summary,
                exactness=Exactness.EXACT,
                options=without,
                last_resort=True,
            )
        ]
