"""RKM950: what is left to try where no rule knows the failure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from rkmend.rules.base import CannotApply, Exactness, Fact, Finding, Mend, Rule
from rkmend.rules.operands import is_constant
from rkmend.rules.replacement import Replacement
from rkmend.rules.toolkit.barrier import barrier
from rkmend.targets import Target
from rkmend.toolkit.options import BuildOptions
from rkmend.toolkit.verdict import Outcome, Verdict

if TYPE_CHECKING:
    import onnx_ir as ir

LEVELS = (2, 1, 0)
"""Optimisation levels below the default, the least change first."""


class Isolate(Rule):
    """Operators that are to blame for a failure which no other rule has a mend for.

    ## What happens

    The toolkit raises an exception, or its native code ends the process, with or without a message, or its file
    computes something else, on a model of a few operators: all other operators of the network can be taken away and it
    still does.

    ## Why

    Not known. Many failures need two operators beside each other: the toolkit makes one of them, or moves one past the
    other, or tells them apart by the tensor that they share.

    ## Example

    A fused pair of operators of which one has an unusual shape.

    ## What rkmend does

    Tried one after the other until one leads on:

    * `barriers`: puts a Clip that clips nothing between the operators to blame and whatever they read.
    * `optimization-level-2`, `-1`, `-0`: has the toolkit rewrite the graph less.
    * `on-the-cpu`: leaves the operators to the CPU.

    Where an int8 build computes something else, only the first.

    ## Exactness and its limits

    `barriers` is exact for finite numbers; the options leave the graph as it is. As any other, the result is verified
    in the simulator. On the CPU an operator is slower, and the tensors travel.

    ## Evidence

    Toolkit 2.3.2 and 2.5.0, rk3588: GlobalAveragePool, a Split of its channels and a Concat in another order give the
    channels in their first order, on every optimisation level; `barriers` cures that without a cycle more. On 2.3.2 it
    cures the crashes of RKM504 and the exceptions of RKM503, at more cycles than their own mends, and not those of
    RKM506.
    """

    code = "RKM950"
    name = "isolate"

    def find(self, model: ir.Model, target: Target) -> Iterable[Finding]:
        """Nothing: only the failure tells."""
        return ()

    def react(self, verdict: Verdict, culprits: tuple[str, ...], target: Target) -> Iterable[Finding]:
        """The operators to blame."""
        if culprits:
            message = f"{', '.join(culprits)}: no rule knows why."
            facts: dict[str, Fact] = {"operators": len(culprits), "outcome": verdict.outcome.value}
            yield Finding(self.code, self.name, culprits, facts, message)

    def recognises(self, verdict: Verdict) -> bool:
        """An exception while the model is built, a crash, or numbers that are wrong."""
        return verdict.outcome in (Outcome.REJECTED, Outcome.ABORTED, Outcome.WRONG)

    def mends(self, model: ir.Model, target: Target, finding: Finding) -> Sequence[Mend]:
        """The cheapest first; wrong numbers of an int8 build mostly come from its rounding."""
        barriers = Mend(
            name="barriers",
            summary="Puts a Clip that clips nothing before each operator to blame.",
            exactness=Exactness.EXACT,
            rewrite=partial(_fence, finding.nodes),
            last_resort=True,
            blind=True,
        )
        if target.only_int8 and finding.facts["outcome"] == Outcome.WRONG.value:
            return [barriers]
        outputs = [node.outputs[0].name for node in model.graph if node.name in finding.nodes]
        levels = [
            _option(f"optimization-level-{level}", f"Optimises at level {level}.", optimization_level=level)
            for level in LEVELS
        ]
        on_cpu = {name: "cpu" for name in outputs if name}
        return [
            barriers,
            *levels,
            _option("on-the-cpu", "Leaves the operators to blame to the CPU.", op_target=on_cpu),
        ]


def _option(name: str, summary: str, **changes: object) -> Mend:
    def changed(old: BuildOptions) -> BuildOptions:
        return msgspec.structs.replace(old, **changes)

    return Mend(
        name=name, summary=summary, exactness=Exactness.EXACT, options=changed, last_resort=True, blind=True
    )


def _fence(names: tuple[str, ...], model: ir.Model) -> None:
    """Gives each operator its own copy of every computed tensor that it reads."""
    fenced = 0
    for node in [node for node in model.graph if node.name in names]:
        new = Replacement(node, code=Isolate.code, mend="barriers")
        inputs = [
            barrier(new, value) if value is not None and _can_be_fenced(value) else value
            for value in node.inputs
        ]
        if inputs == list(node.inputs):
            continue
        fenced += 1
        new.finish(*new.nodes("op", node.op_type, inputs, node.attributes, outputs=len(node.outputs)))
    if not fenced:
        raise CannotApply("no operator to blame reads a computed tensor of floating point")


def _can_be_fenced(value: ir.Value) -> bool:
    floating = value.dtype is not None and value.dtype.name in ("FLOAT", "FLOAT16")
    return floating and not is_constant(value)
