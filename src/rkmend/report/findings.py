"""Findings as reports tell them: those that differ in nothing but the target are one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rkmend.checking import Found
from rkmend.report.outcome import OUTCOMES
from rkmend.report.sentences import facts_told, mend_summary, words_of
from rkmend.rules.base import Level
from rkmend.words import Language, Say


@dataclass(frozen=True)
class Told:
    """Findings that differ in nothing but the target."""

    found: Found
    targets: tuple[str, ...]


def merged(findings: Sequence[Found]) -> list[Told]:
    """Findings that are the same for several targets become one; in order of model and level."""
    targets: dict[tuple[object, ...], list[str]] = {}
    firsts: dict[tuple[object, ...], Found] = {}
    for found in findings:
        key = (found.model, found.code, found.nodes, found.level, found.message)
        targets.setdefault(key, []).append(found.target)
        firsts.setdefault(key, found)
    order = list(Level)
    models = list(dict.fromkeys(found.model for found in findings))
    told = [Told(found, tuple(targets[key])) for key, found in firsts.items()]
    return sorted(told, key=lambda one: (models.index(one.found.model), order.index(one.found.level)))


def message_of(found: Found, say: Say) -> list[str]:
    """The message of a finding; in Chinese what its rule says, since the message is one English sentence."""
    if say.language is Language.EN:
        return [found.message]
    if found.code in OUTCOMES:
        return [say(OUTCOMES[found.code]), say.again(found.message)]
    words = words_of(found.code)
    return [words.title, words.what] if words else [found.message]


def standing_alone(found: Found, say: Say) -> str:
    """The message of a finding for where nothing beside it names the nodes and the facts."""
    message = message_of(found, say)
    if say.language is Language.EN:
        return " ".join(message)
    place = say.listed(found.nodes) or say("the whole model")
    facts = f" ({facts_told(found.facts)})" if found.facts else ""
    return f"{place}: {''.join(message)}{facts}"


def help_of(found: Found, say: Say) -> str:
    """What `rkmend convert` would do about a finding that has a mend."""
    assert found.mend is not None
    return say(
        "rkmend convert would try {mend} ({exactness}): {summary}",
        mend=found.mend.name,
        exactness=found.mend.exactness.value,
        summary=mend_summary(found.code, found.mend.summary, say),
    )
