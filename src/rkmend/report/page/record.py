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
from rkmend.words import Language, Text

SCHEMA = "rkmend-page/1"
"""Raised when a field changes its meaning or goes away; new fields may come without."""

Which = Literal["original", "mended"]
Role = Literal["", "culprit", "replaced", "new", "changed", "finding", "tail"]


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


class Value(msgspec.Struct, frozen=True):
    """A tensor of a graph."""

    name: str
    dtype: str
    """As numpy spells it; empty where it is not known."""
    shape: str
    """`1x384x126x1198`; `?` for an unknown size; `scalar`; empty where not even the rank is known."""
    constant: bool
    """A weight or another initializer. Its content is not in the page."""
    bytes: int
    """0 where shape or dtype are not known."""


class Node(msgspec.Struct, frozen=True):
    """An operator of a graph."""

    id: int
    """Its place in `nodes`."""
    name: str
    """As the model has it, but very long ones are cut in the middle."""
    op: str
    domain: str
    inputs: tuple[int | None, ...]
    """Indices into `values`; None for an optional input that is not given."""
    outputs: tuple[int | None, ...]
    attributes: tuple[tuple[str, str], ...]
    """Name and content; tensors, and bodies of If, Loop and Scan, in a few words."""
    role: Role = ""
    """`culprit`: the failure comes from it. `replaced`: a mend took it out. `new`: a mend put it in. `changed`: in both
    graphs, and no longer the same. `tail`: left for the CPU. `finding`: a rule holds here."""
    rule: str = ""
    """Of the mend that put it in or took it out, or of the first finding here."""
    origin: str = ""
    """Of a new node: the name of the node that it replaces."""
    module: str = ""
    """The PyTorch module that it was exported from, where the name tells."""
    findings: tuple[int, ...] = ()
    """Indices into `findings` of the page; they are about the original."""
    layer: int | None = None
    """Index into `layers`: the row of the compiler's table in which it is computed."""
    plan: int | None = None
    """Index into `plans`."""
    error: int | None = None
    """Index into `errors`."""


class Graph(msgspec.Struct, frozen=True):
    """A model as a graph; nodes in the order of the file, which is one in which they can be computed."""

    nodes: tuple[Node, ...]
    values: tuple[Value, ...]
    inputs: tuple[int, ...]
    """Indices into `values`."""
    outputs: tuple[int, ...]


class Graphs(msgspec.Struct, frozen=True):
    """The two models; None where there is none, and `notes` of the page says why."""

    original: Graph | None = None
    mended: Graph | None = None
    """What is in the .rknn, where mends changed the graph; the head, where a tail is left for the CPU."""


class LayerRow(msgspec.Struct, frozen=True):
    """A row of the compiler's layer table."""

    which: Which
    """The model that was compiled."""
    op: str
    """As the compiler calls it: `ConvRelu`."""
    name: str
    """As the compiler prints it."""
    dtype: str
    target: str
    """`NPU`, `CPU` or `GPU`."""
    input_shapes: str
    output_shape: str
    cycles_ddr: int
    cycles_npu: int
    cycles: int
    rw_kb: int
    nodes: tuple[int, ...]
    """Ids of the nodes that are computed in it, as far as that is known for certain."""


class PlanRow(msgspec.Struct, frozen=True):
    """How a layer is cut for the NPU and what it costs, as `rkmend plan` says it before any toolkit runs."""

    which: Which
    node: int
    """Its id."""
    kind: str
    """As in the plan: `Conv`, `depth-wise Conv`, `ConvTranspose`, `MatMul`, `other`, `view` or `fused`."""
    into: int | None
    """Id of the node along with which it is computed."""
    fused: tuple[str, ...]
    """Operators that are computed along with it."""
    input: str
    """Shape of what the convolution unit reads, `64x112x112`; empty where it computes nothing."""
    output: str
    kernel: str
    """Rows by columns, `3x3`; likewise `stride` and `dilation`."""
    stride: str
    dilation: str
    pads: str
    """`top, left, bottom, right`."""
    groups: int
    banks: str
    """Features + weights, `5+7`; empty where it is not split."""
    row_entries: int
    """Buffer entries that a row takes."""
    rows: int
    """Rows in the buffer at once, at most."""
    bands: int
    tiles: int
    chunk: int
    """Output channels whose weights are in the buffer at once."""
    chunks: int
    cores: int
    shared: str
    """What the cores share: `rows`, `output channels` or `nothing`."""
    unsplit: str
    """Why it is not split."""
    macs: int
    utilisation: float | None
    """Share of the multiplications that are not with padding."""
    input_bytes: int
    weight_bytes: int
    output_bytes: int
    cycles_ddr: int | None
    cycles_npu: int | None
    cycles: int | None
    bound: str
    """`compute`, `DRAM` or empty."""
    live_bytes: int
    """Features in memory while it runs."""
    picture: int | None = None
    """Index into `pictures`; only layers that the story is about have one."""


class ErrorRow(msgspec.Struct, frozen=True):
    """How far a tensor of the .rknn is from ONNX Runtime on the original model."""

    tensor: str
    node: int | None
    """Id of the node of the original graph that makes it."""
    cosine: float
    max_abs: float
    max_rel: float
    single_cosine: float | None
    """With this layer alone computed by the simulator, and exact inputs; None where it was not measured."""


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
