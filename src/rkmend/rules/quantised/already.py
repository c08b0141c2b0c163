"""RKM306: an int8 build of a model that has scales of its own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import msgspec

from rkmend.rules.base import Exactness, Finding, Mend, Rule
from rkmend.targets import Target
from rkmend.toolkit.options import BuildOptions
from rkmend.toolkit.verdict import Outcome, Verdict

if TYPE_CHECKING:
    import onnx_ir as ir

SAID = "If a quantized model has been import"


class AlreadyQuantised(Rule):
    """An int8 build is asked for of a model that is quantised already.

    ## What happens

    `build` fails:

        E build: If a quantized model has been import, please set do_quantization = False.

    ## Why

    The model has QuantizeLinear or DequantizeLinear operators, and with them scales of its own. The toolkit takes them
    over, and refuses to find others by calibration.

    ## Example

    What ONNX Runtime's `quantize_static` writes, or a converted TFLite model, given with `--quantize`.

    ## What rkmend does

    * `own-scales`: builds without quantisation. What the model quantises is computed in int8 with the model's scales,
      all else in fp16. The calibration data is not used, but for the verification.

    ## Exactness and its limits

    `exact`: the model stays as it is. It is held against the tolerance of fp16, since its int8 steps are part of the
    model and are computed by ONNX Runtime as well. A model that quantises only a few of its operators is not made
    smaller or faster in the others.

    ## Evidence

    Toolkit 2.3.2 and 2.5.0, rk3588: a quantised Conv fails with quantisation and converts without, bit for bit right
    with 2.3.2. A style prediction network of 170 nodes converts likewise, with a cosine of 0.9999.
    """

    code = "RKM306"
    name = "already-quantised"

    def find(self, model: ir.Model, target: Target) -> Iterable[Finding]:
        """Nothing: without `--quantize` such a model is as good as any other."""
        return ()

    def react(self, verdict: Verdict, culprits: tuple[str, ...], target: Target) -> Iterable[Finding]:
        """The model as a whole."""
        message = "The model has scales of its own, which an int8 build does not replace."
        yield Finding(self.code, self.name, (), {}, message)

    def recognises(self, verdict: Verdict) -> bool:
        """The toolkit's own advice."""
        return verdict.outcome is Outcome.REJECTED and SAID in verdict.message

    def mends(self, model: ir.Model, target: Target, finding: Finding) -> Sequence[Mend]:
        """The build option that the message names."""
        return [
            Mend(
                name="own-scales",
                summary="Builds with the scales that the model has; the calibration data is not used.",
                exactness=Exactness.EXACT,
                options=_own_scales,
            )
        ]


def _own_scales(old: BuildOptions) -> BuildOptions:
    return msgspec.structs.replace(old, quantize=False)
