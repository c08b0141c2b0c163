"""What a conversion came to, sentence by sentence and in any language: the terminal and the page tell the same.

Plain text. English is what the records say; in Chinese a rule's own words and the facts stand for the message of a
finding, since that is one English sentence.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePath

from rkmend.mend.interface import InterfaceChange
from rkmend.records import (
    AppliedMend,
    Conversion,
    Culprit,
    LayerCheck,
    Layerwise,
    OutputCheck,
    Status,
    Tail,
)
from rkmend.rules import Finding
from rkmend.rules.base import Fact
from rkmend.toolkit.tolerance import Tolerance
from rkmend.toolkit.verdict import OutputAgreement
from rkmend.words import N_, Language, RuleWords, Say, rule_words

NAMED = 4
"""Culprits that are named one by one; all of them stand in report.json."""
STATUS = {
    Status.CONVERTED: N_("converted"),
    Status.MENDED: N_("mended"),
    Status.PARTIAL: N_("partial"),
    Status.REFUSED: N_("refused"),
    Status.ENVIRONMENT: N_("no toolkit"),
}
EXACTNESS = {
    "exact": N_("exact"),
    "rounding": N_("rounding"),
    "bounded": N_("bounded"),
    "changes-model": N_("changes-model"),
}


def headline(result: Conversion, say: Say) -> str:
    """What was converted, for what, with what; the model by the name of its file."""
    model = PurePath(result.model.path).name
    if result.toolkit is None:
        return say("{model} for {target}, no toolkit", model=model, target=result.target)
    version = result.toolkit.version
    return say(
        "{model} for {target}, RKNN-Toolkit2 {version}", model=model, target=result.target, version=version
    )


def failure(result: Conversion, say: Say) -> str:
    """How the model as given failed, and which operators are to blame; the toolkit's line as it printed it."""
    verdict = result.first_verdict
    assert verdict
    said = verdict.message.splitlines()[0] if verdict.message else str(verdict.signature)
    parts = [say("{what} ({said}).", what=say(verdict.outcome.sentence), said=said)]
    for how in dict.fromkeys(culprit.how for culprit in result.culprits):
        if named := _named([culprit for culprit in result.culprits if culprit.how == how], say):
            parts.append(say("To blame: {named}, {how}.", named=named, how=say.again(how)))
    return say.joined(parts)


def _named(culprits: Sequence[Culprit], say: Say) -> str:
    names = [
        f"{operator} {node}"
        for culprit in culprits
        for operator, node in zip(culprit.operators, culprit.nodes, strict=True)
    ]
    shown = say.listed(names[:NAMED])
    more = len(names) - NAMED
    return say("{shown} and {more} more", shown=shown, more=more) if more > 0 else shown


def believed(finding: Finding, say: Say) -> str:
    """Why a rule holds: in English the sentence of the finding, in Chinese what the rule says and the facts."""
    words = None if say.language is Language.EN else words_of(finding.code)
    if words is None:
        return finding.message
    place = say.listed([*finding.nodes[:NAMED], *["…"] * (len(finding.nodes) > NAMED)]) or "整个模型"
    facts = f" ({facts_told(finding.facts)})" if finding.facts else ""
    return f"{finding.code} {finding.name}, 位于 {place}: {words.title}{words.what}{facts}"


def words_of(code: str) -> RuleWords | None:
    """What a rule says in Chinese; None where it says nothing, or is no more: the report may be an old one."""
    try:
        return rule_words(code)
    except KeyError:
        return None


def facts_told(facts: dict[str, Fact]) -> str:
    """`name = value`, one after the other."""
    return ", ".join(f"{name} = {value}" for name, value in facts.items())


def changed(same: Sequence[AppliedMend], say: Say) -> str:
    """A kind of mend, and everywhere that it was applied."""
    first = same[0]
    nodes = say.listed(node for mend in same for node in mend.nodes) or say("the whole model")
    return say(
        "{code} {name} at {nodes}: {summary}",
        code=first.code,
        name=first.name,
        nodes=nodes,
        summary=mend_summary(first.code, first.summary, say),
    )


def mend_summary(code: str, summary: str, say: Say) -> str:
    """What a mend does: its own sentence, or, where that is not known in the language, what its rule does."""
    told = say.again(summary)
    words = words_of(code) if told == summary and say.language is Language.ZH else None
    return words.does if words else told


def exactness(same: Sequence[AppliedMend], say: Say) -> str:
    """What a kind of mend does to the numbers, and what that made of them in float32."""
    return say(
        "{kind}; largest difference in float32: {largest:.2g}.",
        kind=say(EXACTNESS[same[0].exactness.value]),
        largest=max(mend.proof.max_abs for mend in same),
    )


def proof(mend: AppliedMend, say: Say) -> str:
    """The kind of evidence and what it covers."""
    return f"{mend.proof.kind}{'。' if say.language is Language.ZH else '. '}{say.again(mend.proof.covers)}"


def cost(last: AppliedMend, say: Say) -> str:
    """Of the whole model after its last mend."""
    told = say("not known")
    if last.cycles_after is not None:
        told = say("{cycles:,} cycles by the compiler's table", cycles=last.cycles_after)
        if last.chip_cycles_after not in (None, last.cycles_after):
            told += say(" ({cycles:,} counting the idle cores)", cycles=last.chip_cycles_after)
        told += say(", {number} operators on the CPU", number=last.cpu_ops_after)
    return say(
        "{cost}; converted in {converted} of {run} trials.",
        cost=told,
        converted=last.trials_converted,
        run=last.trials_run,
    )


def interface(change: InterfaceChange, say: Say) -> str:
    """What to feed in another form, or what one gets."""
    kind = say({"input": N_("input"), "output": N_("output")}[change.kind])
    return say("{kind} {name}: {how}", kind=kind, name=change.given.name, how=say.again(change.how))


def left_over(tail: Tail, say: Say) -> str:
    """What the .rknn leaves for the CPU, and how to run it."""
    nodes = tail.nodes[0]
    if len(tail.nodes) > 1:
        nodes = say("{number} operators, from {node} on", number=len(tail.nodes), node=tail.nodes[0])
    return say(
        "{nodes}: nothing known carries the toolkit past it ({why}). The .rknn gives {inputs}; run the .tail.onnx on "
        "that (ONNX Runtime) to get {outputs}.",
        nodes=nodes,
        why=tail.why,
        inputs="; ".join(map(str, tail.inputs)),
        outputs="; ".join(map(str, tail.outputs)),
    )


def tolerance(held: Tolerance, say: Say) -> str:
    """What is compared, and how near it has to be."""
    return say(
        "the simulator against ONNX Runtime on the original model; {dtype} tolerance: cosine >= {cosine}",
        dtype=held.dtype,
        cosine=held.cosine,
    )


def mark(check: OutputCheck, say: Say) -> str:
    """Whether an output agrees."""
    if check.explained_by:
        return say("differs as {dtype} itself does", dtype=check.explained_by)
    return say("agrees") if check.ok else say("DIFFERS")


def agreement(check: OutputCheck, say: Say) -> str:
    """How far an output is off, in numbers."""
    return say(
        "cosine {cosine:.6f}, largest difference {max_abs:.4g} ({max_rel:.2%} of the largest value), worst of "
        "{samples} samples",
        cosine=check.cosine,
        max_abs=check.max_abs,
        max_rel=check.max_rel,
        samples=len(check.samples),
    )


def layers(found: Layerwise, say: Say) -> str:
    """Where within the network numbers are lost."""
    if not found.checks:
        return say("not compared, because {why}.", why=found.why_not_all)
    wrong = sum(not check.ok for check in found.checks)
    parts = [
        say(
            "{count} tensors within the network against ONNX Runtime, sample {sample}: {wrong} are beyond the "
            "tolerance.",
            count=len(found.checks),
            sample=found.sample,
            wrong=wrong or say("none"),
        )
    ]
    if sources := [check for check in found.checks if check.source]:
        named = [f"{check.operator} {check.node}" for check in sources[:NAMED]]
        told = _layer(sources[0], say)
        more = len(sources) - len(named)
        shown = say.listed(named)
        shown = say("{shown} and {more} more", shown=shown, more=more) if more else shown
        parts.append(say("They begin at {shown}: {told}.", shown=shown, told=told))
    elif largest := [check for check in found.checks if check.tensor == found.largest_loss]:
        (check,) = largest
        shown = f"{check.operator} {check.node}"
        parts.append(say("Most is lost at {shown}: {told}.", shown=shown, told=_layer(check, say)))
    if found.why_not_all:
        parts.append(say("Not all were compared, because {why}.", why=found.why_not_all))
    return say.joined(parts)


def _layer(check: LayerCheck, say: Say) -> str:
    """How far a tensor is off, and its layer alone."""
    numbers = say("cosine {cosine:.6f}", cosine=check.cosine)
    if not check.finite:
        numbers = say("NaN or infinite numbers")
    if check.single_cosine is None:
        return numbers
    return say("{numbers}, {single:.5f} for the layer alone", numbers=numbers, single=check.single_cosine)


def noise(check: OutputCheck, say: Say) -> Iterator[str]:
    """What rounding alone does, for each sample that is not within the tolerance."""
    for found in check.samples:
        if found.noise and not check.tolerance.holds(found):
            yield _noise(found, check.tolerance.dtype, say)


def _noise(found: OutputAgreement, dtype: str, say: Say) -> str:
    assert found.noise
    return say(
        "sample {sample}: {times} times as far off as rounding to {dtype} takes ONNX Runtime "
        "({share:.1%} of the signal)",
        sample=found.sample,
        times=found.noise.told,
        dtype=dtype,
        share=found.noise.share,
    )
