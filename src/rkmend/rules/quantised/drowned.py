"""RKM312: an int8 build whose rounding drowns what the model computes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from rkmend.graph.partition import HEAVY
from rkmend.rules.base import Exactness, Finding, Mend, Rule
from rkmend.targets import Target
from rkmend.toolkit.options import BuildOptions
from rkmend.toolkit.tolerance import INT8, TELLING, explained
from rkmend.toolkit.verdict import Outcome, Verdict

if TYPE_CHECKING:
    import onnx_ir as ir


class Drowned(Rule):
    """An int8 build whose rounding drowns what the model computes.

    ## What happens

    The model converts and every layer is right to the step; the outputs have little in common with the original's.

    ## Why

    An int8 tensor has 255 steps between its smallest and its largest number. Where a few numbers are huge (a
    detector's first Swish: 67, its other numbers below 1), all others share a handful of steps, and what follows
    computes with what is left of them. One tensor or two often make nearly all of the noise.

    ## Example

    A detector that was calibrated on inputs of another size than it was trained on.

    ## What rkmend does

    * `least-squares-ranges`: the build option `quantized_algorithm=mmse` chooses each range for the least mean square
      error instead of the extremes. The file costs the same; the build takes minutes where it took seconds.
    * `float16-tensors`: the same, and the loudest tensors, with the layers that write and read them, stay in float16
      (the toolkit's hybrid quantisation). They are found by rounding each tensor alone in ONNX Runtime; the rest of
      the network stays int8.

    ## Exactness and its limits

    `rounding`: the graph is untouched, and what is rounded is rounded more finely. Verified in the simulator: what
    remains is held against the noise of a build with the same tensors in float16. Not where the toolkit scales the
    inputs itself (mean and std). The toolkit's own choice (`auto_hybrid`) looks at each layer alone: it helped little.

    ## Evidence

    Toolkit 2.3.2, rk3588, YOLOX-nano calibrated on random numbers: cosines of the outputs from 0.38 to 0.91 as built,
    from 0.90 to 0.99 with `mmse`, and from 0.96 to 0.998 with three of 149 tensors in float16 besides.
    """

    code = "RKM312"
    name = "drowned-in-rounding"

    def find(self, model: ir.Model, target: Target) -> Iterable[Finding]:
        """Nothing: how much rounding hurts stands in no graph."""
        return ()

    def react(self, verdict: Verdict, culprits: tuple[str, ...], target: Target) -> Iterable[Finding]:
        """The operators that compute the loudest tensors of an int8 build."""
        if culprits and target.only_int8:
            share = max(found.noise.share for found in verdict.agreement if found.noise)
            message = (
                f"The rounding of int8 alone is {share:.0%} of an output; "
                f"most of it is of what {len(culprits)} operators compute."
            )
            yield Finding(self.code, self.name, culprits, {"share": round(share, 3)}, message)

    def recognises(self, verdict: Verdict) -> bool:
        """Wrong numbers that are what rounding makes of the model, and nothing else."""
        wrong = [found for found in verdict.agreement if not INT8.holds(found)]
        return (
            verdict.outcome is Outcome.WRONG
            and bool(wrong)
            and all(explained(found, INT8) for found in wrong)
            and any(found.noise.share > TELLING for found in wrong if found.noise)
        )

    def mends(self, model: ir.Model, target: Target, finding: Finding) -> Sequence[Mend]:
        """Build options, the one that costs nothing at run time first."""
        kept = tuple(dict.fromkeys(_around(model, finding.nodes)))
        return [
            Mend(
                name="least-squares-ranges",
                summary="Chooses the range of each tensor for the least mean square error.",
                exactness=Exactness.ROUNDING,
                options=_finer,
            ),
            Mend(
                name="float16-tensors",
                summary="Does so, and keeps the tensors of which rounding makes most of the noise in float16.",
                exactness=Exactness.ROUNDING,
                options=partial(_mixed, kept=kept),
            ),
        ]


def _around(model: ir.Model, names: Sequence[str]) -> Iterator[str]:
    """What the operators compute, with what the layers that write and read it are made of.

    A tensor stays in float16 only where the layer on either side of it computes in float16.
    """
    for node in (node for node in model.graph if node.name in names):
        values = [*node.outputs, *(use.node.outputs[0] for value in node.outputs for use in value.uses())]
        if node.op_type not in HEAVY:
            values += [value for value in node.inputs if value is not None and value.const_value is None]
        yield from (str(value.name) for value in values)


def _finer(old: BuildOptions) -> BuildOptions:
    return msgspec.structs.replace(old, quantized_algorithm="mmse")


def _mixed(old: BuildOptions, kept: tuple[str, ...]) -> BuildOptions:
    tensors = tuple(dict.fromkeys((*old.float16_tensors, *kept)))
    return msgspec.structs.replace(_finer(old), float16_tensors=tensors)
