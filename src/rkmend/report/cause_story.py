"""The short story of a cause for the terminal: the predicate, how it was confirmed, and what it was not."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

import click

from rkmend.diagnose.cause.record import Cause, Experiment
from rkmend.report.text import columns, paragraph, wrapped
from rkmend.words import ENGLISH, N_, Language, Say

COLOURS = {"converted": "green", "fails alike": "red", "fails otherwise": "yellow"}
OUTCOMES = {
    "converted": N_("converted"),
    "fails alike": N_("fails alike"),
    "fails otherwise": N_("fails otherwise"),
    "no valid model": N_("no valid model"),
    "not tried": N_("not tried"),
}
OUTCOME_WIDTH = 15
TABLES = {"advice": N_("Common advice, tried"), "surroundings": N_("Other surroundings, tried")}
SHOWN_COUNTEREXAMPLES = 3
SHOWN_FACTORS = 12
TABLE_WIDTH = 120
CHANGE_WIDTH = 56
"""The longest piece of common advice is not cut."""


def cause_story(cause: Cause, say: Say = ENGLISH) -> str:
    """The story; what is left out of long lists stands in explanation.json."""
    text = cause.text_zh if say.language is Language.ZH else cause.text
    parts = [paragraph(say("Cause"), text, say)]
    confirmed = cause.confirmed_on
    if confirmed:
        told = say(
            "{agreed} of {total} agree ({failing} said to fail, {converting} said to convert; {drawn})",
            agreed=confirmed.agreed,
            total=confirmed.total,
            failing=confirmed.failing,
            converting=confirmed.total - confirmed.failing,
            drawn=confirmed.drawn,
        )
        parts.append(paragraph(say("Fresh samples"), told, say))
    if cause.counterexamples:
        parts.append("\n".join([_head(say("Against it"), say), *_counterexamples(cause, say)]))
    if cause.established:
        domain = [f"{name} {values}" for name, values in cause.domain.items()]
        parts.append(paragraph(say("Holds for"), _listed(domain, say, "; "), say))
        if cause.without_influence:  # where nothing is established, the text says it
            parts.append(
                paragraph(
                    say("Without influence, each on its own"), _listed(cause.without_influence, say), say
                )
            )
    for group, title in TABLES.items():
        tried = [experiment for experiment in cause.experiments if experiment.group == group]
        if tried:
            parts.append("\n".join([_head(say(title), say), *_table(tried, say)]))
    files = [f"    {kind:12} {path}" for kind, path in cause.files.items()]
    spent = say("{trials} trials, {seconds:.1f} s", trials=cause.trials, seconds=cause.seconds)
    parts.append("\n".join([_head(say("Files"), say), *files, spent]))
    return "\n\n".join(parts)


def _head(text: str, say: Say) -> str:
    return click.style(text + ("：" if say.language is Language.ZH else ":"), bold=True)


def _listed(items: Sequence[str], say: Say, comma: str = ", ") -> str:
    more = len(items) - SHOWN_FACTORS
    return comma.join(items[:SHOWN_FACTORS]) + (comma + say("{number} more", number=more) if more > 0 else "")


def _table(tried: list[Experiment], say: Say) -> Iterator[str]:
    changes = [say.again(experiment.change) for experiment in tried]
    width = min(CHANGE_WIDTH, max(map(columns, changes)))
    for experiment, change in zip(tried, changes, strict=True):
        word = say(OUTCOMES.get(experiment.outcome, experiment.outcome))
        outcome = click.style(_filled(word, OUTCOME_WIDTH), fg=COLOURS.get(experiment.outcome, "white"))
        start = f"    {_filled(_cut(change, width), width)}  {outcome}  {experiment.exactness:13}  "
        yield (start + _cut(_detail(experiment, say), TABLE_WIDTH - columns(click.unstyle(start)))).rstrip()


def _filled(text: str, width: int) -> str:
    return text + " " * (width - columns(text))


def _detail(experiment: Experiment, say: Say) -> str:
    seen = experiment.observation
    if seen and seen.cycles is not None:
        return say("{cycles:,} cycles", cycles=seen.cycles)
    if seen and experiment.outcome == "fails otherwise":
        return str(seen.failure)
    return say.again(experiment.reason)


def _cut(text: str, width: int) -> str:
    """On one line, cut at a word, or at a letter where letters are as wide as words."""
    if columns(text) == len(text):
        return textwrap.shorten(text, width, placeholder=" …")
    text = " ".join(text.split())
    if columns(text) > width:
        while columns(text) > width - 1:
            text = text[:-1]
        text += "…"
    return text


def _counterexamples(cause: Cause, say: Say) -> Iterator[str]:
    for example in cause.counterexamples[:SHOWN_COUNTEREXAMPLES]:
        said = say("fails") if example.predicted else say("converts")
        point = ", ".join(f"{name} {value}" for name, value in example.point.items())
        found = say(OUTCOMES.get(example.observation.outcome, example.observation.outcome))
        yield wrapped(
            say("said: {said}; {found}: {point}", said=said, found=found, point=point), indent="    "
        )
    more = len(cause.counterexamples) - SHOWN_COUNTEREXAMPLES
    if more > 0:
        yield "    " + say("and {number} more", number=more)
