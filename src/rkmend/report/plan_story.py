"""A plan, told for the terminal: a table of the layers and the sums under it, or all about one layer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from rkmend.planning.record import LayerPlan, Plan
from rkmend.report.text import paragraph
from rkmend.targets import load_target
from rkmend.tiling.split import Piece, Split

if TYPE_CHECKING:
    from rich.table import Table

HEADS = ("layer", "operator", "output", "banks", "tasks", "MMAC", "used", "KB", "kcycles", "bound")
SHOWN_PIECES = 6


def plan_table(plan: Plan) -> Table:
    """A row for each layer that costs something."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    for head in HEADS:
        left = head in ("layer", "operator", "bound")
        table.add_column(
            head,
            justify="left" if left else "right",
            no_wrap=True,
            overflow="ellipsis",
            ratio=3 if head == "layer" else None,
            min_width=12 if head == "layer" else None,
            max_width=22 if head == "operator" else None,
        )
    for layer in costing(plan):
        colour = (
            {"compute": "green", "DRAM": "yellow"}.get(layer.bound or "", "") if layer.computed else "dim"
        )
        table.add_row(*(Text(cell, style=colour if head == "bound" else "") for head, cell in _row(layer)))
    return table


def costing(plan: Plan) -> list[LayerPlan]:
    """The layers that are neither views nor computed along with another."""
    return [layer for layer in plan.layers if layer.kind not in ("view", "fused")]


def _row(layer: LayerPlan) -> Iterator[tuple[str, str]]:
    cut = layer.split
    yield "layer", _plain(layer.name)
    yield "operator", _operator(layer)
    yield "output", shape_text(layer.output_shape)
    yield "banks", f"{cut.feature_banks}+{cut.weight_banks}" if cut else "-"
    yield "tasks", str(tasks(cut)) if cut else "-"
    yield "MMAC", f"{layer.macs / 1e6:.1f}" if layer.macs else "-"
    yield "used", f"{layer.utilisation:.0%}" if layer.utilisation is not None else "-"
    yield "KB", f"{layer.moved_bytes / 1024:,.0f}"
    yield (
        "kcycles",
        "-" if layer.cycles is None else f"{'' if layer.computed else '~'}{layer.cycles / 1e3:,.1f}",
    )
    yield "bound", layer.bound or "-"


def _operator(layer: LayerPlan) -> str:
    """`Conv 3x3/2 +Relu`, `dw 3x3`, `MaxPool`."""
    shape = layer.geometry
    name = {"depth-wise Conv": "dw", "ConvTranspose": "ConvT"}.get(layer.kind, layer.operator)
    if shape and layer.kind != "MatMul":
        name += f" {shape.kernel_h}x{shape.kernel_w}"
        stride = max(shape.stride_h, shape.stride_w)
        name += f"/{stride}" if stride > 1 else ""
    return name + "".join(f" +{fused}" for fused in layer.fused)


def tasks(cut: Split) -> int:
    """Tasks of a layer on one core, where each row band and tile, and of a depth-wise Conv each chunk, is one."""
    return len(cut.bands) * len(cut.tiles) * cut.chunks


def sums(plan: Plan) -> str:
    """What stands under the table."""
    totals, target = plan.totals, load_target(plan.target)
    counted = costing(plan)
    computed = [layer for layer in counted if layer.computed]
    used = totals.macs / totals.macs_padded if totals.macs_padded else 0
    share = totals.cycles_compute_bound / totals.cycles if totals.cycles else 0
    views = sum(layer.kind == "view" for layer in plan.layers)
    lines = [
        f"{plan.model} on {plan.target}, {plan.dtype}: {len(counted)} layers, {len(computed)} of them computed by the "
        f"convolution unit; {views} views and {len(plan.layers) - len(counted) - views} fused operators not shown",
        f"Multiplications: {totals.macs / 1e6:,.1f} M, {used:.0%} of those done; the rest is padding",
        f"Cycles: {totals.cycles:,} of the convolution unit on one core, {share:.0%} of them bound by computing; "
        f"about {totals.cycles_other:,} more to move what the other layers read and write",
        f"DRAM: {totals.moved_bytes / 2**20:,.1f} MB moved, {totals.weight_bytes / 2**20:,.1f} MB of it weights",
        f"Memory: {totals.peak_bytes / 2**20:,.2f} MB of features at most, while '{_plain(totals.peak_at)}' runs",
    ]
    if unknown := sum(layer.cycles is None for layer in counted):
        lines.append(f"Unknown: {unknown} layers whose shapes do not follow from the inputs count as nothing")
    if target.cbuf is None or target.cbuf.division is None:
        lines.append(f"Split: not known for {plan.target}")
    return "\n".join(_paragraph(line) for line in lines)


def layer_story(layer: LayerPlan, plan: Plan) -> str:
    """All about one layer."""
    return "\n".join(_paragraph(line) for line in _layer_lines(layer, plan))


def _layer_lines(layer: LayerPlan, plan: Plan) -> Iterator[str]:
    ins = ", ".join(shape_text(shape) for shape in layer.input_shapes)
    outs = shape_text(layer.output_shape)
    yield f"{layer.operator} {_plain(layer.name)}: {ins} -> {outs}, {plan.dtype} on {plan.target}"
    if layer.kind == "view":
        yield "Cost: none, it is a view of its input"
        return
    if layer.kind == "fused":
        yield f"Cost: none of its own, it is computed along with '{_plain(layer.into)}'"
        return
    if layer.fused:
        yield "Fused: " + ", ".join(layer.fused)
    if layer.geometry:
        yield from _computing(layer, plan)
    if layer.cycles is None:
        yield f"Cost: not known: {layer.unsplit}"
        return
    yield (
        f"DRAM: {_kb(layer.input_bytes)} features in, {_kb(layer.weight_bytes)} weights, {_kb(layer.output_bytes)} "
        f"features out: {layer.cycles_ddr:,} cycles"
    )
    bound = "by computing" if layer.bound == "compute" else "by DRAM"
    yield f"Cycles: {layer.cycles:,}, bound {bound}"
    yield f"Memory: {_kb(layer.live_bytes)} of features while it runs"
    yield from _splitting(layer, plan)


def _computing(layer: LayerPlan, plan: Plan) -> Iterator[str]:
    shape, target = layer.geometry, load_target(plan.target)
    assert shape is not None
    assert layer.cycles_npu is not None
    window = f"kernel {shape.kernel_h}x{shape.kernel_w}, stride {shape.stride_h}x{shape.stride_w}"
    pads = (
        f"pads top {shape.pad_top}, left {shape.pad_left}, bottom {shape.pad_bottom}, right {shape.pad_right}"
    )
    spread = (
        f", dilation {shape.dilation_h}x{shape.dilation_w}"
        if max(shape.dilation_h, shape.dilation_w) > 1
        else ""
    )
    groups = f", {shape.groups} groups" if shape.groups > 1 else ""
    kind = layer.kind if layer.kind == layer.operator else f"computed as {layer.kind}"
    if layer.kind in ("ConvTranspose", "MatMul"):
        kind = "computed as a Conv" + (" over the stuffed input" if layer.kind == "ConvTranspose" else "")
    yield (
        f"Geometry: {kind}, {shape.channels} channels {shape.height}x{shape.width} -> {shape.out_channels} channels "
        f"{shape.rows.outputs}x{shape.cols.outputs}, {window}, {pads}{spread}{groups}"
    )
    rate = layer.macs / layer.cycles_npu if layer.cycles_npu else 0
    yield (
        f"Computing: {layer.macs:,} multiplications, {layer.macs_padded:,} with padding "
        f"({layer.utilisation or 0:.1%} used): "
        f"{layer.cycles_npu:,} cycles, {rate:.0f} multiplications a cycle of {target.mac[plan.dtype].per_cycle}"
    )


def _splitting(layer: LayerPlan, plan: Plan) -> Iterator[str]:
    cut, shape, cbuf = layer.split, layer.geometry, load_target(plan.target).cbuf
    if cut is None or shape is None or cbuf is None:
        yield f"Split: none: {layer.unsplit}"
        return
    rows = max(band.inputs for band in cut.bands)
    yield (
        f"Buffer: {cbuf.banks} banks of {cbuf.bank_bytes // 1024} KB; {cut.feature_banks} for features, "
        f"{cut.weight_banks} for weights; a row takes {cut.row_entries:,} entries of {cbuf.entry_bytes} bytes, "
        f"{rows} rows at once {rows * cut.row_entries:,} of {cut.feature_banks * cbuf.entries_per_bank:,}"
    )
    yield f"Row bands: {_pieces(cut.bands, 'rows')}"
    if len(cut.tiles) > 1:
        yield f"Tiles: {_pieces(cut.tiles, 'columns')}"
    if cut.reload > 1:
        yield f"Overlap: {cut.reload - 1:.1%} of the input is loaded again"
    what = "a task computes" if layer.kind == "depth-wise Conv" else "weights in the buffer at once for"
    yield f"Channels: {what} {cut.chunk} of {shape.out_channels} output channels, {_count(cut.chunks, 'chunk')}"
    yield f"Cores: {cut.cores}" + (f", which share the {cut.shared}" if cut.cores > 1 else "")


def _pieces(pieces: tuple[Piece, ...], what: str) -> str:
    named = [
        f"out {piece.output}-{piece.output + piece.outputs - 1} from in "
        + (f"{piece.input}-{piece.input + piece.inputs - 1}" if piece.inputs else "padding only")
        for piece in pieces
    ]
    if len(named) > SHOWN_PIECES:
        named[SHOWN_PIECES - 1 : -1] = ["..."]
    return f"{len(pieces)} of up to {max(piece.outputs for piece in pieces)} output {what}: " + "; ".join(
        named
    )


def shape_text(shape: tuple[int, ...] | None) -> str:
    """`64x112x112`, without the batch of one; `?` where it is unknown."""
    if shape is None:
        return "?"
    sizes = shape[1:] if len(shape) > 1 and shape[0] == 1 else shape
    return "x".join(map(str, sizes)) or "scalar"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + "s" * (number != 1)


def _kb(number: int) -> str:
    return f"{number / 1024:,.1f} KB"


def _plain(name: str) -> str:
    """A name from a model must not steer the terminal."""
    return "".join(character if character.isprintable() else "?" for character in name)


def _paragraph(line: str) -> str:
    head, _, text = line.partition(": ")
    return paragraph(head, text)


def csv_rows(layers: Iterable[LayerPlan]) -> Iterator[list[object]]:
    """The head, then a row for each operator."""
    yield [
        "name", "operator", "kind", "fused", "into", "inputs", "output", "dtype", "feature_banks", "weight_banks",
        "row_entries", "bands", "tiles", "chunk", "chunks", "cores", "shared", "macs", "macs_padded", "input_bytes",
        "weight_bytes", "output_bytes", "cycles_npu", "cycles_ddr", "cycles", "bound", "live_bytes",
    ]  # fmt: skip
    for layer in layers:
        cut = layer.split
        yield [
            layer.name, layer.operator, layer.kind, " ".join(layer.fused), layer.into,
            " ".join(map(_sizes, layer.input_shapes)), _sizes(layer.output_shape), layer.dtype,
            *((cut.feature_banks, cut.weight_banks, cut.row_entries, len(cut.bands), len(cut.tiles), cut.chunk,
               cut.chunks, cut.cores, cut.shared) if cut else [None] * 9),
            layer.macs, layer.macs_padded, layer.input_bytes, layer.weight_bytes, layer.output_bytes,
            layer.cycles_npu, layer.cycles_ddr, layer.cycles, layer.bound, layer.live_bytes,
        ]  # fmt: skip


def _sizes(shape: tuple[int, ...] | None) -> str:
    return "?" if shape is None else "x".join(map(str, shape))
