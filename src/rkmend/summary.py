"""From what a search leaves behind to what stands in the report: records and sentences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rkmend.graph.model import graph_inputs, spec_of
from rkmend.graph.names import listed
from rkmend.mend.choose import Rejected, State, allowed, chip_cycles
from rkmend.mend.interface import InterfaceChange, changes, unread
from rkmend.records import AppliedMend, ModelFacts, OutputCheck, RejectedMend, Tail
from rkmend.rules import Exactness, Finding
from rkmend.targets import Target
from rkmend.toolkit.options import BuildOptions
from rkmend.toolkit.tolerance import disagreements, tolerance_for
from rkmend.toolkit.trials import Done
from rkmend.toolkit.verdict import Outcome, Verdict

if TYPE_CHECKING:
    import onnx_ir as ir

UNLOCATED = {
    Outcome.HUNG: "The operator was not looked for: every attempt would take the whole time limit. "
    "A shorter one (--trial-seconds) or a part of the model may tell more.",
    Outcome.EXHAUSTED: "The operator was not looked for. Allow more memory (--trial-memory), or convert on a "
    "larger machine.",
    Outcome.KILLED: "Run it again; if it is killed again, look for what ends processes here (the kernel's log "
    "names them).",
}
"""Outcomes whose operator is only known where the log names it, and what to do about them."""


def output_checks(verdict: Verdict, options: BuildOptions) -> tuple[OutputCheck, ...]:
    """The agreement of each output: the worst of all its samples, and all of them."""
    tolerance = tolerance_for(quantized=options.quantize)
    checks = []
    for name in dict.fromkeys(found.output for found in verdict.agreement):
        found = tuple(item for item in verdict.agreement if item.output == name)
        checks.append(
            OutputCheck(
                name,
                cosine=min(item.cosine for item in found),
                max_abs=max(item.max_abs for item in found),
                max_rel=max(item.max_rel for item in found),
                tolerance=tolerance,
                ok=not (differing := disagreements(found, tolerance)),
                samples=found,
                explained_by="" if differing or all(map(tolerance.holds, found)) else tolerance.dtype,
            )
        )
    return tuple(checks)


def applied(best: State, target: Target, trials: Sequence[Done]) -> list[AppliedMend]:
    """The mends of the model that is delivered, in the order in which they were applied."""
    runs = [
        done.verdict.converted
        for done in trials
        if (done.trial.digest, done.trial.options) == (best.done.trial.digest, best.options)
    ]
    mends = []
    for step, after in zip(best.steps, _verdicts_after(best), strict=True):
        before = step.done.verdict if step.done and step.done.verdict.layers else None
        mends.append(
            AppliedMend(
                code=step.finding.code,
                name=step.mend.name,
                nodes=step.finding.nodes,
                summary=step.mend.summary,
                exactness=step.mend.exactness,
                proof=step.proof,
                cycles_before=before.cycles if before else None,
                cycles_after=after.cycles if after.layers else None,
                chip_cycles_after=chip_cycles(after, best.options, target) if after.layers else None,
                cpu_ops_before=len(before.cpu_ops) if before else None,
                cpu_ops_after=len(after.cpu_ops) if after.layers else None,
                trials_converted=sum(runs),
                trials_run=len(runs),
            )
        )
    return mends


def _verdicts_after(best: State) -> list[Verdict]:
    """Of the Trial after each of its mends; of the last one where that had none, as with a recipe."""
    following = [step.done.verdict if step.done else best.verdict for step in best.steps[1:]]
    return [*following, best.verdict] if best.steps else []


def interface(given: ModelFacts, state: State) -> tuple[InterfaceChange, ...]:
    """Where inputs and outputs of a converted State are not those of the model as it was given."""
    layers = state.verdict.layers
    prefix = "InputOperator:"
    read = [layer.name.removeprefix(prefix) for layer in layers if layer.name.startswith(prefix)]
    dropped = unread(given.inputs, read) if read else ()
    return (*dropped, *changes(given.inputs, given.outputs, state.model))


def left_over(tail: ir.Model, verdict: Verdict) -> Tail:
    """What is left for the CPU, and what the toolkit said of it."""
    return Tail(
        nodes=tuple(str(node.name) for node in tail.graph),
        inputs=tuple(spec_of(value) for value in graph_inputs(tail.graph)),
        outputs=tuple(spec_of(value) for value in tail.graph.outputs),
        why=verdict.message.splitlines()[0] if verdict.message else str(verdict.signature),
    )


def rejection(item: Rejected, options: BuildOptions, target: Target) -> RejectedMend:
    """A mend that is not in the result; `options` are those of the run where the mend changed none."""
    known = item.verdict if item.verdict and item.verdict.converted else None
    return RejectedMend(
        code=item.finding.code,
        name=item.mend.name,
        nodes=item.finding.nodes,
        exactness=item.mend.exactness,
        why=item.why,
        cycles=known.cycles if known else None,
        chip_cycles=chip_cycles(known, item.options or options, target) if known else None,
        cpu_ops=len(known.cpu_ops) if known else None,
    )


def price(state: State, target: Target) -> str:
    """A State's cost in words, in the order in which costs are compared."""
    cycles = f"{chip_cycles(state.verdict, state.options, target):,} cycles"
    if state.options.single_core_mode and target.cores > 1:
        cycles += f" ({state.verdict.cycles:,} with {target.cores - 1} of {target.cores} cores idle)"
    cpu = len(state.verdict.cpu_ops)
    moved = f"{state.verdict.rw_kb:,} KB moved"
    return f"{cycles}, {moved}" + (f", {cpu} operators on the CPU" if cpu else "")


def refusal(
    stuck: State,
    culprits: Sequence[str],
    findings: Sequence[Finding],
    rejected: Sequence[Rejected],
    exactness: Exactness,
) -> str:
    """Why there is no .rknn: what the toolkit said, whom it concerns, what is known of it, what was tried.

    Args:
        stuck: The furthest that the search came.
        culprits: Of it.
        findings: Of the rules that recognise its failure.
        rejected: The mends that were considered.
        exactness: The least exact kind that was allowed.
    """
    verdict = stuck.verdict
    what = _sentence(verdict)
    if stuck.steps:
        first = stuck.steps[0].done
        mends = dict.fromkeys(f"{step.finding.code} {step.mend.name}" for step in stuck.steps)
        begun = f"{_sentence(first.verdict)} " if first else ""
        what = f"{begun}Mended so far: {', '.join(mends)}. Then: {what}"
    if verdict.outcome in UNLOCATED:
        return f"{what} {UNLOCATED[verdict.outcome]}"
    parts = [f"{what} To blame: {listed(culprits) or 'no single operator'}."]
    parts += [f"{finding.code} {finding.name}: {finding.message}" for finding in findings[:3]]
    harmful = [kind for kind in stuck.done.report().classes if not kind.harmless]
    parts += [f"{kind.meaning} {kind.what_to_do}" for kind in harmful[:1]]
    barred = dict.fromkeys(
        f"{item.finding.code} {item.mend.name} is {item.mend.exactness.value}: --exactness {item.mend.exactness.value}"
        for item in rejected
        if not allowed(item.mend, exactness) and item.mend.exactness is not Exactness.CHANGES_MODEL
    )
    if barred:
        parts.append(f"Not allowed in this run: {'; '.join(barred)} allows it.")
    elif rejected:
        parts.append(f"{len(rejected)} mends were considered and none carried the model through.")
    else:
        parts.append("No rule has a mend for it.")
    if verdict.outcome is Outcome.WRONG:
        parts.append("The file is kept as unverified.")
    return " ".join(parts)


def _sentence(verdict: Verdict) -> str:
    """How a Trial ended, and what the toolkit said first."""
    said = verdict.message.splitlines()[0] if verdict.message else str(verdict.signature)
    return f"{verdict.outcome.sentence[0].upper()}{verdict.outcome.sentence[1:]} ({said})."
