"""The sentences of the page: those of the terminal's story, in both languages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

from rkmend.checking import Found
from rkmend.mend.interface import InterfaceChange
from rkmend.records import AppliedMend, Conversion, OutputCheck
from rkmend.report import sentences
from rkmend.report.page.record import MendText, RuleText, Told
from rkmend.rules import Finding
from rkmend.rules.registry import all_rules
from rkmend.words import Say, Text, both

Subgraphs = Mapping[int, tuple[tuple[int, ...], tuple[int, ...]]]
"""Place of a mend -> ids of the nodes to draw, before and after."""
WHAT, DOES = "What happens", "What rkmend does"
"""Sections of a rule's page."""


def headline(result: Conversion) -> Text:
    """The answer in one line."""
    return both(
        lambda say: (
            say("{status}: ", status=say(sentences.STATUS[result.status])) + sentences.headline(result, say)
        )
    )


def paragraphs(result: Conversion) -> dict[str, Text]:
    """What is told of the conversion as a whole, by key."""
    told: dict[str, Text] = {}
    first = result.first_verdict
    if result.reason:
        told["why"] = again(result.reason)
    if first and not first.converted:
        told["failure"] = both(lambda say: sentences.failure(result, say))
    if result.cause:
        told["cause"] = Text(result.cause.text, result.cause.text_zh)
    if result.mends:
        told["cost"] = both(lambda say: sentences.cost(result.mends[-1], say))
    if tail := result.tail:
        told["tail"] = both(lambda say: sentences.left_over(tail, say))
    if result.verification:
        told["agreement"] = both(lambda say: sentences.tolerance(result.verification[0].tolerance, say))
    return told


def told_of(result: Conversion, subgraphs: Subgraphs) -> Told:
    """What is told of items of the report.

    Args:
        result: The conversion.
        subgraphs: What to draw of each mend; what is not in it has nothing to draw.
    """
    return Told(
        findings=tuple(map(believed, result.findings)),
        mends=tuple(
            _mend(place, mend, result, subgraphs.get(place, ((), ())))
            for place, mend in enumerate(result.mends)
        ),
        rejected_mends=tuple(again(item.why) for item in result.rejected_mends),
        verification=tuple(map(_check, result.verification)),
        interface=tuple(map(_interface, result.interface)),
        trials=tuple(again(trial.label) for trial in result.trials),
        notes=tuple(map(again, result.notes)),
        experiments=tuple(again(one.change) for one in (result.cause.experiments if result.cause else ())),
    )


def believed(finding: Finding | Found) -> Text:
    """Why a rule holds somewhere."""
    same = Finding(finding.code, finding.name, finding.nodes, finding.facts, finding.message)
    return both(lambda say: sentences.believed(same, say))


@lru_cache(4096)  # the same is said of many mends
def again(text: str) -> Text:
    """A sentence of the report."""
    return both(lambda say: say.again(text))


def rule_texts(codes: set[str]) -> dict[str, RuleText]:
    """What rules say; codes that no rule has any more are left out."""
    found = {}
    for rule in all_rules():
        if rule.code in codes:
            words, page = sentences.words_of(rule.code), rule.page()
            what, does = _section(page, WHAT), _section(page, DOES)
            found[rule.code] = RuleText(
                code=rule.code,
                name=rule.name,
                level=rule.level.value,
                title=Text(rule.summary_line, words.title if words else rule.summary_line),
                what=Text(what, words.what if words else what),
                does=Text(does, words.does if words else does),
                page=page,
            )
    return found


def _section(page: str, title: str) -> str:
    """What stands under a heading, up to the next."""
    return page.partition(f"\n## {title}\n")[2].partition("\n## ")[0].strip()


def _mend(
    place: int, mend: AppliedMend, result: Conversion, drawn: tuple[tuple[int, ...], tuple[int, ...]]
) -> MendText:
    last = place == len(result.mends) - 1
    return MendText(
        summary=both(lambda say: sentences.mend_summary(mend.code, mend.summary, say)),
        exactness=both(lambda say: sentences.exactness([mend], say)),
        proof=both(lambda say: sentences.proof(mend, say)),
        does_not_cover=again(mend.proof.does_not_cover),
        cost=both(lambda say: sentences.cost(mend, say)) if last else Text("", ""),
        alternatives=tuple(
            number
            for number, other in enumerate(result.rejected_mends)
            if (other.code, other.nodes) == (mend.code, mend.nodes)
        ),
        before=drawn[0],
        after=drawn[1],
    )


def _interface(change: InterfaceChange) -> Text:
    return both(lambda say: sentences.interface(change, say))


def _check(check: OutputCheck) -> Text:
    def tell(say: Say) -> str:
        verdict = f"{sentences.mark(check, say)}: {sentences.agreement(check, say)}"
        return say.joined([verdict, *_sentences(list(sentences.noise(check, say)))])

    return both(tell)


def _sentences(parts: Sequence[str]) -> list[str]:
    return [f"({part})" for part in parts]
