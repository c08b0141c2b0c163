"""RKM901: the toolkit dies in one of its own graph rules, or never comes out of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import msgspec

from rkmend.rules.base import Exactness, Finding, Mend, Rule
from rkmend.targets import Target
from rkmend.toolkit.classify import ENDLESS
from rkmend.toolkit.options import BuildOptions
from rkmend.toolkit.verdict import Outcome, Verdict

if TYPE_CHECKING:
    import onnx_ir as ir

_RULE = re.compile(r"\(in rule (\w+)\)")


class ToolkitRuleCrash(Rule):
    """A Python exception out of one of the toolkit's own optimisation rules, or rules that undo one another for ever.

    ## What happens

    `load` or `build` raises while the toolkit rewrites the graph. The log says in which of its rules:

        E build: Catch exception when building RKNN model!
        E build:   File "rknn/api/graph_optimizer.py", line ..., in ...
        ...
        ValueError: operands could not be broadcast together with shapes (57,512) (57,)

    Or the build never ends, and the log grows by the same lines over and over:

        D     squeeze_1_in_nd_transpose: remove node = [], add node = ['x_rs', 'y-rs']
        D     swap_reshape_transpose_v2: remove node = ['x_rs', 'n'], add node = ['n', 'x_rs']
        D     bypass_two_reshape: remove node = ['y-rs', 'x_rs']

    ## Why

    The rule takes for granted what this graph does not fulfil: a rank, a number of consumers, a constant of a
    certain shape. The model is right, and the rule is an optimisation that the model can do without. Of rules that
    undo one another, any one that is left out ends the circle.

    ## Example

    `Mul` by a vector, then `Gemm`: `fuse_mul_into_gemm` multiplies the weights by the vector along the wrong axis.
    `Transpose` 0 1 3 5 2 4 of an input [1, 8, 24, 2, 24, 2]: one rule takes the axis of one element out, another
    draws the Reshape for it through, the third removes that.

    ## What rkmend does

    * `disable-rule`: builds with `disable_rules` set to the rule that the log names. If another rule dies next,
      that one as well. Only where no rewrite is known: that keeps the operator on the NPU. Of a circle, each rule
      in turn; that there is one shows in the log, long before the time limit.

    ## Exactness and its limits

    The graph stays as it is. But a model without the rule is another program to the compiler: it may leave an
    operator to the CPU, or compute something else. So the result is verified in the simulator as any other.

    ## Evidence

    Toolkit 2.3.2, rk3588, fp16: policies of robots (`fuse_mul_into_gemm`). Toolkit 2.5.0: attention without a scale
    (`fuse_exmatmul_add_mul_exsoftmax13_exmatmul_to_sdpa`), Add and Mul of five axes with a constant (`squeeze_nd_add`,
    `squeeze_nd_mul`), Pad before Conv (`fuse_pad_into_conv`). The minimal models are in docs/failing-networks.md.
    Toolkit 2.3.2: of 71 random Transposes of five and six axes those 8 never end that have six, one of them of one
    element, and of the other five no two that stay side by side; between two Reshape they end.
    """

    code = "RKM901"
    name = "toolkit-rule-crash"

    def find(self, model: ir.Model, target: Target) -> Iterable[Finding]:
        """Nothing: only the failure tells."""
        return ()

    def react(self, verdict: Verdict, culprits: tuple[str, ...], target: Target) -> Iterable[Finding]:
        """The rule that the log names; of a circle, one finding for each."""
        signature = verdict.signature
        if signature is None:
            return
        if signature.kind == ENDLESS:
            for rule in signature.message.split(", "):
                message = (
                    f"The toolkit's own graph rule `{rule}` goes round in circles with others on this model."
                )
                yield Finding(self.code, self.name, culprits, {"toolkit_rule": rule}, message)
        elif found := _RULE.search(signature.message):
            message = f"The toolkit's own graph rule `{found[1]}` raises an exception on this model."
            yield Finding(self.code, self.name, culprits, {"toolkit_rule": found[1]}, message)

    def recognises(self, verdict: Verdict) -> bool:
        """A Python exception in a rule, or a circle of rules."""
        signature = verdict.signature
        if signature is None:
            return False
        crash = verdict.outcome is Outcome.REJECTED and _RULE.search(signature.message) is not None
        return crash or signature.kind == ENDLESS

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
