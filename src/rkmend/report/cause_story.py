"""The short story of a cause for the terminal: the predicate, how it was confirmed, and what it was not."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

import click

from rkmend.diagnose.cause.record import Cause, Experiment
from rkmend.report.text import paragraph, wrapped

COLOURS = {"converted": "green", "fails alike": "red", "fails otherwise": "yellow"}
SHOWN_COUNTEREXAMPLES = 3
SHOWN_FACTORS = 12
TABLE_WIDTH = 120
CHANGE_WIDTH = 56
"""The longest piece of common advice is not cut."""


def cause_story(cause: Cause) -> str:
    """The story; what is left out of long lists stands in explanation.json."""
    parts = [paragraph("Cause", cause.text)]
    confirmed = cause.confirmed_on
    if confirmed:
        sides = f"{confirmed.failing} said to fail, {confirmed.total - confirmed.failing} said to convert"
        parts.append(
            paragraph(
                "Fresh samples", f"{confirmed.agreed} of {confirmed.total} agree ({sides}; {confirmed.drawn})"
            )
        )
    if cause.counterexamples:
        parts.append("\n".join([_head("Against it"), *_counterexamples(cause)]))
    if cause.established:
        domain = [f"{name} {values}" for name, values in cause.domain.items()]
        parts.append(paragraph("Holds for", _listed(domain, "; ")))
        if cause.without_influence:  # where nothing is established, the text says it
            parts.append(paragraph("Without influence, each on its own", _listed(cause.without_influence)))
    for group, title in (("advice", "Common advice, tried"), ("surroundings", "Other surroundings, tried")):
        tried = [experiment for experiment in cause.experiments if experiment.group == group]
        if tried:
            parts.append("\n".join([_head(title), *_table(tried)]))
    files = [f"    {kind:12} {path}" for kind, path in cause.files.items()]
    parts.append("\n".join([_head("Files"), *files, f"{cause.trials} trials, {cause.seconds:.1f} s"]))
    return "\n\n".join(parts)


def _head(text: str) -> str:
    return click.style(f"{text}:", bold=True)


def _listed(items: Sequence[str], comma: str = ", ") -> str:
    more = len(items) - SHOWN_FACTORS
    return comma.join(items[:SHOWN_FACTORS]) + (f"{comma}{more} more" if more > 0 else "")


def _table(tried: list[Experiment]) -> Iterator[str]:
    width = min(CHANGE_WIDTH, max(len(experiment.change) for experiment in tried))
    for experiment in tried:
        change = f"{_cut(experiment.change, width):{width}}"
        outcome = click.style(f"{experiment.outcome:15}", fg=COLOURS.get(experiment.outcome, "white"))
        start = f"    {change}  {outcome}  {experiment.exactness:13}  "
        yield (start + _cut(_detail(experiment), TABLE_WIDTH - len(click.unstyle(start)))).rstrip()


def _detail(experiment: Experiment) -> str:
    seen = experiment.observation
    if seen and seen.cycles is not None:
        return f"{seen.cycles:,} cycles"
    if seen and experiment.outcome == "fails otherwise":
        return str(seen.failure)
    return experiment.reason


def _cut(text: str, width: int) -> str:
    """On one line, cut at a word."""
    return textwrap.shorten(text, width, placeholder=" …")


def _counterexamples(cause: Cause) -> Iterator[str]:
    for example in cause.counterexamples[:SHOWN_COUNTEREXAMPLES]:
        said = "fails" if example.predicted else "converts"
        point = ", ".join(f"{name} {value}" for name, value in example.point.items())
        yield wrapped(f"said: {said}; {example.observation.outcome}: {point}", indent="    ")
    more = len(cause.counterexamples) - SHOWN_COUNTEREXAMPLES
    if more > 0:
        yield f"    and {more} more"
