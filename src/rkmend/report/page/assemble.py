"""From a results folder to what the page shows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path

import msgspec

from rkmend._version import __version__
from rkmend.checking import Found
from rkmend.records import Conversion
from rkmend.report.page import pictures, roles, surroundings, texts
from rkmend.report.page.compare import comparisons
from rkmend.report.page.errors import error_rows, errors_at
from rkmend.report.page.files import page_files
from rkmend.report.page.graphs import LONGEST_NAME, graph_of
from rkmend.report.page.layers import layer_rows
from rkmend.report.page.logs import read_logs
from rkmend.report.page.record import Headline, Log, PageData
from rkmend.report.page.results import Results
from rkmend.report.page.rows import Graph, Graphs, LayerRow, Node, Which
from rkmend.report.page.sides import Side, Sides
from rkmend.toolkit.verdict import Verdict
from rkmend.words import Language, both


def page_data(
    results: Results,
    language: Language,
    *,
    folder: Path | None = None,
    made: datetime | None = None,
    longest_name: int = LONGEST_NAME,
) -> PageData:
    """Everything the page shows.

    Args:
        results: Of a conversion.
        language: Shown first.
        folder: Where the page will be, for its links; by default that of the results.
        made: When; now by default.
        longest_name: Characters of a name of a node or tensor.

    Raises:
        InputError: The report names a target that does not exist.
    """
    result, sides = results.conversion, Sides(results)
    original, mended = (side.opened if side else None for side in (sides.original, sides.mended))
    last = sides.of(sides.delivered)
    layers = _layers(result, sides)
    logs = _logs(results, sides)
    return PageData(
        language=language,
        made=(made or datetime.now(timezone.utc)).isoformat(timespec="seconds"),
        rkmend=__version__,
        headline=Headline(
            result.status.value, texts.headline(result), page_files(results, folder or results.folder)
        ),
        texts=texts.paragraphs(result),
        told=texts.told_of(result, roles.subgraphs(result, original, mended)),
        compare=comparisons(result),
        report=result,
        graphs=Graphs(
            _graph("original", result, sides, layers, longest_name),
            _graph("mended", result, sides, layers, longest_name),
        ),
        focus={side.opened.which: roles.focus_of(side.roles, side.opened) for side in sides.both},
        layers=layers,
        plans=tuple(row for side in sides.both for row in side.rows),
        errors=error_rows(result, sides.delivered, last.opened.ids if last else {}),
        findings=tuple(sides.findings),
        finding_texts=tuple(map(texts.believed, sides.findings)),
        rules=texts.rule_texts(_codes(result, sides.findings)),
        pictures=(*sides.pictures, *pictures.frontier(results)),
        logs=logs,
        environment=surroundings.environment(results),
        reproduce=surroundings.commands(results),
        node_commands=surroundings.node_commands(result),
        notes=tuple(sides.notes),
    )


def _layers(result: Conversion, sides: Sides) -> tuple[LayerRow, ...]:
    """The table of the model as it was given, as far as the compiler came, and that of what mends made of it."""
    first, last = result.first_verdict, result.verdict
    if sides.delivered == "original":
        tried = next((one for one in (last, first) if one and one.layers), None)
        return _rows(tried, "original", sides.original)
    return (*_rows(first, "original", sides.original), *_rows(last, "mended", sides.mended))


def _rows(verdict: Verdict | None, which: Which, side: Side | None) -> tuple[LayerRow, ...]:
    planned = side.plan.layers if side and side.plan else ()
    return layer_rows(verdict.layers if verdict else (), which, side.opened if side else None, planned)


def _graph(
    which: Which, result: Conversion, sides: Sides, layers: Sequence[LayerRow], longest_name: int
) -> Graph | None:
    """A graph, each node with its role and its rows in the tables."""
    side = sides.of(which)
    if side is None:
        return None
    opened, names = side.opened, list(side.opened.ids)
    first = len(sides.original.rows) if which == "mended" and sides.original else 0
    plans = {row.node: first + place for place, row in enumerate(side.rows)}
    rows = {node: place for place, layer in enumerate(layers) if layer.which == which for node in layer.nodes}
    errors = errors_at(result, opened, sides.delivered)
    found: dict[int, list[int]] = {}
    for place, finding in enumerate(sides.findings if which == "original" else ()):
        for number in opened.numbers(finding.nodes):
            found.setdefault(number, []).append(place)

    def mark(node: Node) -> Node:
        name = names[node.id]
        role, rule = side.roles.get(name, ("", ""))
        return msgspec.structs.replace(
            node,
            role=role,
            rule=rule,
            origin=opened.origins[name][1] if name in opened.origins else "",
            findings=tuple(found.get(node.id, ())),
            layer=rows.get(node.id),
            plan=plans.get(node.id),
            error=errors.get(node.id),
        )

    return graph_of(opened, mark, longest_name)


def _logs(results: Results, sides: Sides) -> tuple[Log, ...]:
    folder, trials = results.file("trials"), results.conversion.trials
    if folder is None and trials:
        sides.notes.append(both(lambda say: say("The logs of the trials are gone.")))
    return read_logs(folder, (trial.folder for trial in trials)) if folder else ()


def _codes(result: Conversion, findings: Sequence[Found]) -> set[str]:
    """The rules that the page names."""
    parts = (result.findings, result.mends, result.rejected_mends, findings)
    return {item.code for part in parts for item in part}
