"""From a results folder to what the page shows."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from urllib.parse import quote

import msgspec

from rkmend._version import __version__
from rkmend.checking import Found, check
from rkmend.errors import InputError
from rkmend.planning import Plan, plan
from rkmend.records import Conversion
from rkmend.report.page import pictures, roles, surroundings, texts
from rkmend.report.page.compare import comparisons
from rkmend.report.page.graphs import LONGEST_NAME, graph_of
from rkmend.report.page.layers import layer_rows
from rkmend.report.page.logs import read_logs
from rkmend.report.page.opened import Opened
from rkmend.report.page.plans import plan_rows
from rkmend.report.page.record import (
    Graph,
    Graphs,
    Headline,
    LayerRow,
    Log,
    Node,
    PageData,
    PageFile,
    Picture,
    PlanRow,
    Which,
)
from rkmend.report.page.results import Results
from rkmend.toolkit.verdict import Verdict
from rkmend.words import Language, Text, both


@dataclass
class _Side:
    """One of the two models, as far as it could be read.

    Attributes:
        opened: The model.
        plan: None where shapes are missing.
        roles: Of its nodes.
        tilings: Name of a layer -> index into the pictures.
        rows: Of the plan.
    """

    opened: Opened
    plan: Plan | None
    roles: roles.Roles = field(default_factory=dict)
    tilings: dict[str, int] = field(default_factory=dict)
    rows: tuple[PlanRow, ...] = ()


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
    assembly = _Assembly(results, folder or results.folder, longest_name)
    return assembly.data(language, made or datetime.now(timezone.utc))


class _Assembly:
    """Puts the parts together; what cannot be had is noted."""

    def __init__(self, results: Results, folder: Path, longest_name: int) -> None:
        self._results = results
        self._folder = folder
        self._longest_name = longest_name
        self._result = results.conversion
        self._notes: list[Text] = []
        self._pictures: list[Picture] = []

    def data(self, language: Language, made: datetime) -> PageData:
        result = self._result
        original, mended = self._original(), self._mended()
        findings = self._findings(original)
        self._give_roles(original, mended, findings)
        self._pictures += pictures.frontier(self._results)
        sides = [side for side in (original, mended) if side]
        for side in sides:
            self._draw_tilings(side)
            side.rows = plan_rows(side.plan, side.opened, side.tilings) if side.plan else ()
        delivered = mended or original
        if delivered and delivered.plan:
            self._pictures += pictures.roofline(delivered.opened.which, delivered.plan)
        layers = self._layers(original, mended)
        drawn = roles.subgraphs(
            result, original.opened if original else None, mended.opened if mended else None
        )
        return PageData(
            language=language,
            made=made.isoformat(timespec="seconds"),
            rkmend=__version__,
            headline=Headline(result.status.value, texts.headline(result), self._files()),
            texts=texts.paragraphs(result),
            told=texts.told_of(result, drawn),
            compare=comparisons(result),
            report=result,
            graphs=Graphs(
                self._graph(original, 0, layers, findings),
                self._graph(mended, len(original.rows) if original else 0, layers, ()),
            ),
            focus={side.opened.which: roles.focus_of(side.roles, side.opened) for side in sides},
            layers=layers,
            plans=tuple(row for side in sides for row in side.rows),
            errors=(),
            findings=tuple(findings),
            finding_texts=tuple(map(texts.believed, findings)),
            rules=texts.rule_texts(_codes(result, findings)),
            pictures=tuple(self._pictures),
            logs=self._logs(),
            environment=surroundings.environment(self._results),
            reproduce=surroundings.commands(self._results),
            node_commands=surroundings.node_commands(result),
            notes=tuple(self._notes),
        )

    def _original(self) -> _Side | None:
        path = self._results.model()
        if path is None:
            named = self._result.model.path
            self._notes.append(
                both(
                    lambda say: say(
                        "The model {model} is not there any more, or is another one now, so its graph is not shown.",
                        model=named,
                    )
                )
            )
            return None
        shapes = {spec.name: spec.sizes for spec in self._result.model.inputs if spec.static}
        try:
            return self._side(Opened.read("original", path, shapes), shapes)
        except InputError as error:
            self._left_out(path.name, error)
            return None

    def _mended(self) -> _Side | None:
        kind = next((kind for kind in ("mended", "head") if kind in self._result.files), None)
        if kind is None:
            return None
        path = self._results.file(kind)
        if path is None:
            self._notes.append(both(lambda say: say("The mended model is gone, so its graph is not shown.")))
            return None
        try:
            return self._side(Opened.read("mended", path, {}), {})
        except InputError as error:
            self._left_out(path.name, error)
            return None

    def _side(self, opened: Opened, shapes: Mapping[str, tuple[int, ...]]) -> _Side:
        dtype = "int8" if self._result.options.quantize else None
        try:
            planned = plan(opened.path, target=self._result.target, dtype=dtype, inputs=shapes)
        except InputError as error:
            self._left_out(both(lambda say: say("the plan of {model}", model=opened.path.name)), error)
            planned = None
        return _Side(opened, planned)

    def _findings(self, original: _Side | None) -> Sequence[Found]:
        if original is None:
            return ()
        opened = original.opened
        shapes = {spec.name: spec.sizes for spec in opened.seen.inputs if spec.static}
        dtype = "int8" if self._result.options.quantize else None
        try:
            return check(opened.path, self._result.target, inputs=shapes, dtype=dtype).findings
        except InputError as error:
            self._left_out(both(lambda say: say("what the rules say")), error)
            return ()

    def _give_roles(self, original: _Side | None, mended: _Side | None, findings: Sequence[Found]) -> None:
        if original:
            original.roles = roles.roles_of_original(
                self._result, original.opened, mended.opened if mended else None, findings
            )
        if mended:
            mended.roles = roles.roles_of_mended(original.opened if original else None, mended.opened)

    def _draw_tilings(self, side: _Side) -> None:
        """Of the culprits in the original, and of what replaced them."""
        if side.plan is None:
            return
        wanted = "new" if side.opened.which == "mended" else "culprit"
        names = [name for name, (role, _code) in side.roles.items() if role == wanted]
        for name, picture in pictures.tilings(side.opened.which, side.plan, names):
            side.tilings[name] = len(self._pictures)
            self._pictures.append(picture)

    def _layers(self, original: _Side | None, mended: _Side | None) -> tuple[LayerRow, ...]:
        """The table of the model as it was given, as far as the compiler came, and that of what mends made of it."""
        result = self._result
        first, last = result.first_verdict, result.verdict
        if not (result.ok and ("mended" in result.files or "head" in result.files)):
            tried = next((one for one in (last, first) if one and one.layers), None)
            return _rows(tried, "original", original)
        return (*_rows(first, "original", original), *_rows(last, "mended", mended))

    def _graph(
        self, side: _Side | None, first_plan: int, layers: Sequence[LayerRow], findings: Sequence[Found]
    ) -> Graph | None:
        """The graph, each node with its role and its rows in the tables."""
        if side is None:
            return None
        opened = side.opened
        names = list(opened.ids)
        rows = {
            node: place
            for place, layer in enumerate(layers)
            if layer.which == opened.which
            for node in layer.nodes
        }
        plans = {row.node: first_plan + place for place, row in enumerate(side.rows)}
        found: dict[int, list[int]] = {}
        for place, finding in enumerate(findings):
            for node in opened.numbers(finding.nodes):
                found.setdefault(node, []).append(place)

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
            )

        return graph_of(opened, mark, self._longest_name)

    def _files(self) -> tuple[PageFile, ...]:
        """What was written, as it is now."""
        paths = {kind: self._results.file(kind) for kind in self._result.files if kind != "page"}
        return tuple(
            PageFile(kind, path.name, _size(path), _link(path, self._folder))
            for kind, path in paths.items()
            if path is not None
        )

    def _logs(self) -> tuple[Log, ...]:
        folder = self._results.file("trials")
        if folder is None and self._result.trials:
            self._notes.append(both(lambda say: say("The logs of the trials are gone.")))
        return read_logs(folder, (trial.folder for trial in self._result.trials)) if folder else ()

    def _left_out(self, what: Text | str, error: InputError) -> None:
        named = Text(what, what) if isinstance(what, str) else what
        self._notes.append(
            both(
                lambda say: say(
                    "Left out: {what}: {why}.",
                    what=named.zh if say.language is Language.ZH else named.en,
                    why=say.again(error.message),
                )
            )
        )


def _rows(verdict: Verdict | None, which: Which, side: _Side | None) -> tuple[LayerRow, ...]:
    planned = side.plan.layers if side and side.plan else ()
    return layer_rows(verdict.layers if verdict else (), which, side.opened if side else None, planned)


def _link(path: Path, folder: Path) -> str:
    """From a page in a folder to a file; empty where there is no way, as to another drive."""
    try:
        return quote(Path(os.path.relpath(path, folder)).as_posix())
    except ValueError:
        return ""


def _size(path: Path) -> int:
    """Bytes of a file, or of all files in a folder."""
    inside = path.rglob("*") if path.is_dir() else [path]
    return sum(one.stat().st_size for one in inside if one.is_file())


def _codes(result: Conversion, findings: Sequence[Found]) -> set[str]:
    """The rules that the page names."""
    parts = (result.findings, result.mends, result.rejected_mends, findings)
    return {item.code for part in parts for item in part}
