"""The short story of a reduction for the terminal, and the line that tells how far it is."""

from __future__ import annotations

from collections.abc import Iterator

import click

from rkmend.diagnose.oracle import Observation
from rkmend.diagnose.reduction.record import NodeFacts, Reduction
from rkmend.report.text import paragraph, wrapped
from rkmend.repro.certificate import Tried, attributes_text, by_element, shown
from rkmend.repro.outcomes import failed, first_line

MOST_NODES = 8
MOST_ELEMENTS = 12
"""Elements of the certificate that are shown; all of them stand in reduction.json."""
MOST_OTHERS = 4


def story(reduction: Reduction) -> str:
    """The story, a few paragraphs; styled, and click strips the styles where there is no terminal."""
    head = f"{reduction.model}, {_count(reduction.nodes_before, 'node')} -> {reduction.nodes_after}"
    word = "reduced: " if reduction.nodes_after < reduction.nodes_before else "reproducer: "
    colour = "green" if reduction.minimal else "yellow"
    parts = [
        click.style(word, fg=colour, bold=True) + f"{head}, {_size(reduction)}; {reduction.oracle}",
        _failure(reduction),
        *([paragraph("Doubt", f"{reduction.doubt}.")] if reduction.doubt else []),
        paragraph("Minimal", _minimal(reduction)),
        "\n".join([paragraph("What is left", ""), *_nodes(reduction.nodes)]),
    ]
    if reduction.certificate:
        lines = _elements(by_element(reduction.certificate))
        parts.append("\n".join([paragraph("Why nothing can go", ""), *lines]))
    if reduction.flaky is not None:
        parts.append(paragraph("Flaky", _flaky(reduction, reduction.flaky)))
    if reduction.other_failures:
        parts.append("\n".join([paragraph("Other failures seen", ""), *_others(reduction)]))
    parts.append("\n".join(_files(reduction)))
    return "\n\n".join(parts)


def progress_line(nodes: int, trials: int, remembered: int, seconds: float, doing: str) -> str:
    """How far a reduction is, on one line without styles.

    Args:
        nodes: Of the smallest model so far that fails alike.
        trials: Candidates that were run.
        remembered: Candidates that were answered from memory.
        seconds: Since the start.
        doing: What is being tried or was adopted, in a few words; cut when it is long.
    """
    minutes, rest = divmod(int(seconds), 60)
    memory = f" + {remembered} remembered" if remembered else ""
    line = f"{minutes:3}:{rest:02}  {_count(nodes, 'node')} left, {_count(trials, 'trial')}{memory}  {doing}"
    line = " ".join(line.splitlines())
    return line if len(line) <= 100 else f"{line[:99]}…"


def _failure(reduction: Reduction) -> str:
    seen = shown(reduction)
    who = "the toolkit" if seen.outcome.isalpha() else "the check"
    lines = [paragraph("Failure kept", f"{who} {failed(seen)[0]}: {first_line(seen)}")]
    runs = (("the model as given", reduction.baseline), ("the reproducer", reduction.final))
    lines += [f"  {_runs(what, ran, reduction.failure)}" for what, ran in runs if ran]
    if not reduction.final:
        lines.append("  the reproducer was not run again at the end")
    return "\n".join(lines)


def _runs(what: str, ran: tuple[Observation, ...], failure: str) -> str:
    alike = sum(observation.failure == failure for observation in ran)
    return f"{what}: failed this way in {alike} of {_count(len(ran), 'run')}"


def _minimal(reduction: Reduction) -> str:
    tried = sum(line.observation is not None for line in reduction.certificate)
    if not reduction.minimal:
        why = reduction.unfinished or "not every single change was tried"
        return f"not shown: {why.rstrip('.')}. It fails like the model as given, but may not be the smallest."
    invalid = len(reduction.certificate) - tried
    more = f"; {invalid} more would give no valid model" if invalid else ""
    weights = "matter" if reduction.weights_matter else "do not matter: random ones fail as well"
    return f"yes: none of {_count(tried, 'single change')} keeps the failure{more}. Its weights {weights}."


def _nodes(nodes: tuple[NodeFacts, ...]) -> Iterator[str]:
    for node in nodes[:MOST_NODES]:
        origin = f", in the model as given {node.original}" if node.original not in ("", node.name) else ""
        yield f"    {node.operator} {node.name}{origin}"
        yield wrapped(f"{', '.join(node.inputs)} -> {', '.join(node.outputs)}", indent=" " * 8)
        if node.attributes:
            yield wrapped(attributes_text(node.attributes), indent=" " * 8)
    if len(nodes) > MOST_NODES:
        yield f"    and {len(nodes) - MOST_NODES} more, in reduction.json"


def _elements(elements: list[Tried]) -> Iterator[str]:
    proved = [element for element in elements if element.cured or element.otherwise]
    for element in proved[:MOST_ELEMENTS]:
        yield wrapped(f"{element.element}: {_tried(element)}", indent="    ")
    left_out = len(proved) - MOST_ELEMENTS
    if left_out > 0:
        yield f"    and {left_out} more elements, in reduction.json"
    if impossible := len(elements) - len(proved):
        yield f"    {_count(impossible, 'element')} without a valid simpler form"


def _tried(element: Tried) -> str:
    parts = []
    if element.cured:
        parts.append(f"{', '.join(element.cured)} does not fail")
    if element.otherwise:
        parts.append(f"{', '.join(element.otherwise)} fails in another way")
    return "; ".join(parts)


def _others(reduction: Reduction) -> Iterator[str]:
    for other in reduction.other_failures[:MOST_OTHERS]:
        yield wrapped(f"{other.count} x {other.failure}; first: {other.label}, {other.file}", indent="    ")
    left_out = len(reduction.other_failures) - MOST_OTHERS
    if left_out > 0:
        yield f"    and {left_out} more, in reduction.json"


def _flaky(reduction: Reduction, share: float) -> str:
    runs = _count(reduction.repetitions, "run")
    return (
        f"the model as given failed this way in {share:.0%} of its runs, so a change was said to lose the failure "
        f"only after {runs} without it."
    )


def _files(reduction: Reduction) -> Iterator[str]:
    if reduction.files:
        yield paragraph("Files", "")
        yield from (f"    {kind:12} {path}" for kind, path in reduction.files.items())
    resumed = ", resumed" if reduction.resumed else ""
    yield (
        f"{_count(reduction.trials, 'trial')} ({reduction.remembered} more remembered, {reduction.invalid} candidates "
        f"no valid models), {reduction.seconds:.1f} s{resumed}"
    )


def _size(reduction: Reduction) -> str:
    return f"{_bytes(reduction.bytes_before)} -> {_bytes(reduction.bytes_after)}"


def _bytes(size: float) -> str:
    for unit in ("bytes", "KB", "MB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if size >= 10 or unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} GB"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
