"""Graphs of the page, and the rows of tables that their nodes refer to. Rows refer to each other by index."""

from __future__ import annotations

from typing import Literal

import msgspec

Which = Literal["original", "mended"]
Role = Literal["", "culprit", "replaced", "new", "changed", "finding", "tail"]


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
    """A tensor within the .rknn against ONNX Runtime: a row of `layerwise` in the report."""

    which: Which
    """The model that was converted."""
    node: int | None
    """Id of the node that makes it; None for what the toolkit added."""
    tensor: str
    operator: str
    """As the toolkit calls it."""
    reference: str
    """What it was compared with: the `original` model, the `delivered` one, or the `toolkit`'s graph in float32."""
    cosine: float
    max_abs: float
    max_rel: float
    finite: bool
    single_cosine: float | None
    """With this layer alone computed by the simulator, on right inputs."""
    ok: bool
    source: bool
    """Not within the tolerance, while what it is computed from is."""
