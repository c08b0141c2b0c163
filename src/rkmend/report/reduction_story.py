"""The short story of a reduction for the terminal, and the line that tells how far it is."""

from __future__ import annotations

from collections.abc import Iterator

import click

from rkmend.diagnose.oracle import Observation
from rkmend.diagnose.reduction.record import NodeFacts, Reduction
from rkmend.report.text import paragraph, wrapped
from rkmend.repro.certificate import Tried, attributes_text, by_element, shown
from rkmend.repro.outcomes import failed, first_line
from rkmend.words import ENGLISH, Language, Say

MOST_NODES = 8
MOST_ELEMENTS = 12
"""Elements of the certificate that are shown; all of them stand in reduction.json."""
MOST_OTHERS = 4


def story(reduction: Reduction, say: Say = ENGLISH) -> str:
    """The story, a few paragraphs; styled, and click strips the styles where there is no terminal."""
    head = say.many(
        "{model}, {count} node -> {after}",
        "{model}, {count} nodes -> {after}",
        reduction.nodes_before,
        model=reduction.model,
        after=reduction.nodes_after,
    )
    smaller = reduction.nodes_after < reduction.nodes_before
    word = say("{status}: ", status=say("reduced") if smaller else say("reproducer"))
    colour = "green" if reduction.minimal else "yellow"
    parts = [
        click.style(word, fg=colour, bold=True) + f"{head}, {_size(reduction)}; {reduction.oracle}",
        _failure(reduction, say),
        *(
            [paragraph(say("Doubt"), say("{doubt}.", doubt=say.again(reduction.doubt)), say)]
            if reduction.doubt
            else []
        ),
        paragraph(say("Minimal"), _minimal(reduction, say), say),
        "\n".join([paragraph(say("What is left"), "", say), *_nodes(reduction.nodes, say)]),
    ]
    if reduction.certificate:
        lines = _elements(by_element(reduction.certificate), say)
        parts.append("\n".join([paragraph(say("Why nothing can go"), "", say), *lines]))
    if reduction.flaky is not None:
        parts.append(paragraph(say("Flaky"), _flaky(reduction, reduction.flaky, say), say))
    if reduction.other_failures:
        parts.append("\n".join([paragraph(say("Other failures seen"), "", say), *_others(reduction, say)]))
    parts.append("\n".join(_files(reduction, say)))
    return "\n\n".join(parts)


def progress_line(
    nodes: int, trials: int, remembered: int, seconds: float, doing: str, say: Say = ENGLISH
) -> str:
    """How far a reduction is, on one line without styles.

    Args:
        nodes: Of the smallest model so far that fails alike.
        trials: Candidates that were run.
        remembered: Candidates that were answered from memory.
        seconds: Since the start.
        doing: What is being tried or was adopted, in a few words; cut when it is long.
        say: The language.
    """
    minutes, rest = divmod(int(seconds), 60)
    memory = say(" + {number} remembered", number=remembered) if remembered else ""
    left = say.many("{count} node left", "{count} nodes left", nodes)
    tried = say.many("{count} trial", "{count} trials", trials)
    line = f"{minutes:3}:{rest:02}  {say.listed((left, tried))}{memory}  {say.again(doing)}"
    line = " ".join(line.splitlines())
    return line if len(line) <= 100 else f"{line[:99]}…"


def _failure(reduction: Reduction, say: Say) -> str:
    seen = shown(reduction)
    who = say("the toolkit") if seen.outcome.isalpha() else say("the check")
    what = say(
        "{who} {failed}: {line}",
        who=who,
        failed=failed(seen)[say.language is Language.ZH],
        line=first_line(seen),
    )
    lines = [paragraph(say("Failure kept"), what, say)]
    runs = ((say("the model as given"), reduction.baseline), (say("the reproducer"), reduction.final))
    lines += [f"  {_runs(what, ran, reduction.failure, say)}" for what, ran in runs if ran]
    if not reduction.final:
        lines.append("  " + say("the reproducer was not run again at the end"))
    return "\n".join(lines)


def _runs(what: str, ran: tuple[Observation, ...], failure: str, say: Say) -> str:
    alike = sum(observation.failure == failure for observation in ran)
    return say.many(
        "{what}: failed this way in {alike} of {count} run",
        "{what}: failed this way in {alike} of {count} runs",
        len(ran),
        what=what,
        alike=alike,
    )


def _minimal(reduction: Reduction, say: Say) -> str:
    tried = sum(line.observation is not None for line in reduction.certificate)
    if not reduction.minimal:
        why = say.again(reduction.unfinished) or say("not every single change was tried")
        return say(
            "not shown: {why}. It fails like the model as given, but may not be the smallest.",
            why=why.rstrip("."),
        )
    invalid = len(reduction.certificate) - tried
    more = say("; {number} more would give no valid model", number=invalid) if invalid else ""
    kept = say.many(
        "yes: none of {count} single change keeps the failure{more}.",
        "yes: none of {count} single changes keeps the failure{more}.",
        tried,
        more=more,
    )
    if reduction.weights_matter:
        return say.joined([kept, say("Its weights matter.")])
    return say.joined([kept, say("Its weights do not matter: random ones fail as well.")])


def _nodes(nodes: tuple[NodeFacts, ...], say: Say) -> Iterator[str]:
    for node in nodes[:MOST_NODES]:
        origin = ""
        if node.original not in ("", node.name):
            origin = say(", in the model as given {name}", name=node.original)
        yield f"    {node.operator} {node.name}{origin}"
        yield wrapped(f"{', '.join(node.inputs)} -> {', '.join(node.outputs)}", indent=" " * 8)
        if node.attributes:
            yield wrapped(attributes_text(node.attributes), indent=" " * 8)
    if len(nodes) > MOST_NODES:
        yield "    " + say("and {number} more, in reduction.json", number=len(nodes) - MOST_NODES)


def _elements(elements: list[Tried], say: Say) -> Iterator[str]:
    proved = [element for element in elements if element.cured or element.otherwise]
    for element in proved[:MOST_ELEMENTS]:
        yield wrapped(f"{element.element}: {_tried(element, say)}", indent="    ")
    left_out = len(proved) - MOST_ELEMENTS
    if left_out > 0:
        yield "    " + say("and {number} more elements, in reduction.json", number=left_out)
    if impossible := len(elements) - len(proved):
        yield "    " + say.many(
            "{count} element without a valid simpler form",
            "{count} elements without a valid simpler form",
            impossible,
        )


def _tried(element: Tried, say: Say) -> str:
    parts = []
    if element.cured:
        parts.append(say("{changes} does not fail", changes=", ".join(element.cured)))
    if element.otherwise:
        parts.append(say("{changes} fails in another way", changes=", ".join(element.otherwise)))
    return "; ".join(parts)


def _others(reduction: Reduction, say: Say) -> Iterator[str]:
    for other in reduction.other_failures[:MOST_OTHERS]:
        told = say(
            "{count} x {failure}; first: {label}, {file}",
            count=other.count,
            failure=other.failure,
            label=other.label,
            file=other.file,
        )
        yield wrapped(told, indent="    ")
    left_out = len(reduction.other_failures) - MOST_OTHERS
    if left_out > 0:
        yield "    " + say("and {number} more, in reduction.json", number=left_out)


def _flaky(reduction: Reduction, share: float, say: Say) -> str:
    return say.many(
        "the model as given failed this way in {share:.0%} of its runs, so a change was said to lose the failure "
        "only after {count} run without it.",
        "the model as given failed this way in {share:.0%} of its runs, so a change was said to lose the failure "
        "only after {count} runs without it.",
        reduction.repetitions,
        share=share,
    )


def _files(reduction: Reduction, say: Say) -> Iterator[str]:
    if reduction.files:
        yield paragraph(say("Files"), "", say)
        yield from (f"    {kind:12} {path}" for kind, path in reduction.files.items())
    yield say.many(
        "{count} trial ({remembered} more remembered, {invalid} candidates no valid models), {seconds:.1f} s",
        "{count} trials ({remembered} more remembered, {invalid} candidates no valid models), {seconds:.1f} s",
        reduction.trials,
        remembered=reduction.remembered,
        invalid=reduction.invalid,
        seconds=reduction.seconds,
    ) + (say(", resumed") if reduction.resumed else "")


def _size(reduction: Reduction) -> str:
    return f"{_bytes(reduction.bytes_before)} -> {_bytes(reduction.bytes_after)}"


def _bytes(size: float) -> str:
    for unit in ("bytes", "KB", "MB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if size >= 10 or unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} GB"
