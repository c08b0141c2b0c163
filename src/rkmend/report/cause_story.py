"""The short story of a cause for the terminal: the predicate, how it was confirmed, and what it was not."""

from __future__ import annotations

from collections.abc import Iterator

import click

from rkmend.diagnose.cause.record import Cause, Experiment
from rkmend.report.text import paragraph, wrapped

COLOURS = {"converted": "green", "fails alike": "red", "fails otherwise": "yellow"}
SHOWN_COUNTEREXAMPLES = 3


def cause_story(cause: Cause) -> str:
    """The story."""
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
        parts.append("\n".join([paragraph("Against it", ""), *_counterexamples(cause)]))
    if cause.domain:
        domain = ", ".join(f"{name} {values}" for name, values in cause.domain.items())
        parts.append(paragraph("Holds for", domain))
    if cause.without_influence:
        parts.append(paragraph("Without influence, each on its own", ", ".join(cause.without_influence)))
    for group, title in (("advice", "Common advice, tried"), ("surroundings", "Other surroundings, tried")):
        tried = [experiment for experiment in cause.experiments if experiment.group == group]
        if tried:
            parts.append("\n".join([paragraph(title, ""), *_table(tried)]))
    files = [f"    {kind:12} {path}" for kind, path in cause.files.items()]
    parts.append("\n".join([paragraph("Files", ""), *files, f"{cause.trials} trials, {cause.seconds:.1f} s"]))
    return "\n\n".join(parts)


def _table(tried: list[Experiment]) -> Iterator[str]:
    width = min(60, max(len(experiment.change) for experiment in tried))
    for experiment in tried:
        outcome = click.style(f"{experiment.outcome:15}", fg=COLOURS.get(experiment.outcome, "white"))
        seen = experiment.observation
        detail = experiment.reason
        if seen and seen.cycles is not None:
            detail = f"{seen.cycles:,} cycles"
        elif seen and experiment.outcome == "fails otherwise":
            detail = str(seen.failure)
        yield f"    {experiment.change:{width}}  {outcome}  {experiment.exactness:13}  {detail[:60]}".rstrip()


def _counterexamples(cause: Cause) -> Iterator[str]:
    for example in cause.counterexamples[:SHOWN_COUNTEREXAMPLES]:
        said = "fails" if example.predicted else "converts"
        point = ", ".join(f"{name} {value}" for name, value in example.point.items())
        yield wrapped(f"said: {said}; {example.observation.outcome}: {point}", indent="    ")
