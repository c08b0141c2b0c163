"""PageData: what report.html shows, field by field.

The JSON schema in docs/page.schema.json is generated from these records (`python -m rkmend.report.schema page`); the
page's own code mirrors them in web/frontend/src/report/data.ts. Rows refer to each other by index, and nodes to values
likewise: names of a large network are long, and each is to stand in the file once.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from rkmend.checking import Found
from rkmend.records import Conversion
from rkmend.report.page.rows import ErrorRow, Graphs, LayerRow, PlanRow, Which
from rkmend.words import Language, Text

SCHEMA = "rkmend-page/1"
"""Raised when a field changes its meaning or goes away; new fields may come without."""


class PageFile(msgspec.Struct, frozen=True):
    """A file of the results folder."""

    kind: str
    """As in `files` of the report: `rknn`, `mended`, `recipe` ..."""
    name: str
    bytes: int
    """Of a folder: of all that is in it. 0 where it is gone."""
    href: str
    """Relative to the page, percent-encoded; empty where it cannot be reached from there."""


class Headline(msgspec.Struct, frozen=True):
    """The answer in one line, and what there is to take away."""

    status: str
    text: Text
    files: tuple[PageFile, ...]


class Comparison(msgspec.Struct, frozen=True):
    """A row of the table of before and after."""

    key: str
    """`converts`, `cycles`, `chip_cycles`, `cpu_operators`, `internal_memory`, `weight_memory`, `moved`, or
    `agreement`."""
    what: Text
    before: Text | None
    """None where it is not known, as the cycles of a model that did not compile."""
    after: Text | None
    better: bool | None
    """None where nothing is to be said: no change, or one of the two is not known."""


class RuleText(msgspec.Struct, frozen=True):
    """What a rule says."""

    code: str
    name: str
    level: str
    title: Text
    what: Text
    """What happens."""
    does: Text
    """What rkmend does."""
    page: str
    """The whole page, Markdown, in English."""


class Picture(msgspec.Struct, frozen=True):
    """A drawing."""

    id: str
    kind: Literal["frontier", "tiling", "roofline"]
    which: Which
    title: Text
    svg: str
    """A whole document."""


class Log(msgspec.Struct, frozen=True):
    """The log of a trial."""

    folder: str
    """As in `trials` of the report."""
    text: str
    bytes: int
    """Of the file."""
    cut: bool
    """Whether the middle was left out; a line in `text` says how much."""


class Fact(msgspec.Struct, frozen=True):
    """A name and what it has."""

    name: str
    value: str


class Command(msgspec.Struct, frozen=True):
    """Something to run in a shell."""

    title: Text
    command: str


class NodeCommand(msgspec.Struct, frozen=True):
    """Something to run about a node: `before`, the name of the node quoted for a shell, `after`."""

    title: Text
    which: Which
    before: str
    after: str


class MendText(msgspec.Struct, frozen=True):
    """A mend of the report, told; at the same place as in `mends` there."""

    summary: Text
    exactness: Text
    proof: Text
    """The kind of evidence and what it covers."""
    does_not_cover: Text
    cost: Text
    """Of the whole model, if it is the last mend; else empty."""
    alternatives: tuple[int, ...]
    """Indices into `rejected_mends` of the report: what else was considered at the same nodes."""
    before: tuple[int, ...]
    """Ids of the nodes of the original that it concerns, and their neighbours: the subgraph to draw."""
    after: tuple[int, ...]
    """Of the mended model: what it put in, and the neighbours."""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """The sentences about items of the report, each at the same place as the item there."""

    findings: tuple[Text, ...]
    """Why the failure is believed to be what it is."""
    mends: tuple[MendText, ...]
    rejected_mends: tuple[Text, ...]
    """Why they are not in the result."""
    verification: tuple[Text, ...]
    """The verdict on an output, with what rounding alone makes of it where that was measured."""
    interface: tuple[Text, ...]
    trials: tuple[Text, ...]
    """Their labels."""
    notes: tuple[Text, ...]
    experiments: tuple[Text, ...]
    """What was changed, in `cause.experiments`."""


class PageData(msgspec.Struct, kw_only=True):
    """Everything that report.html shows."""

    schema: str = SCHEMA
    language: Language
    """Shown first, unless the reader's browser remembers another."""
    made: str
    """ISO 8601, UTC."""
    rkmend: str
    headline: Headline
    texts: dict[str, Text]
    """Paragraphs of the story, those that apply: `failure` (what failed), `why` (there is no .rknn), `cause`, `cost`,
    `tail` (what is left for the CPU), `agreement` (what was compared, and how near it has to be)."""
    told: Told
    compare: tuple[Comparison, ...]
    report: Conversion
    graphs: Graphs
    focus: dict[str, tuple[int, ...]]
    """`original` and `mended`: ids of the nodes to show first, the culprits or what replaced them with their
    neighbours; empty where nothing stands out."""
    layers: tuple[LayerRow, ...]
    """Of the model as it was given, as far as the compiler came, and of the mended one, if there is one."""
    plans: tuple[PlanRow, ...]
    errors: tuple[ErrorRow, ...]
    findings: tuple[Found, ...]
    """What the rules say of the original before any trial."""
    finding_texts: tuple[Text, ...]
    """Their messages, in the same order."""
    rules: dict[str, RuleText]
    """Every rule that the page names, by code."""
    pictures: tuple[Picture, ...]
    logs: tuple[Log, ...]
    environment: tuple[Fact, ...]
    reproduce: tuple[Command, ...]
    node_commands: tuple[NodeCommand, ...]
    notes: tuple[Text, ...]
    """What the page could not show, and why."""
