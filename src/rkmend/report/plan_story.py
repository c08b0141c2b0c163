"""A plan, told for the terminal: a table of the layers and the sums under it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from rkmend.planning.record import LayerPlan, Plan
from rkmend.report.text import paragraph
from rkmend.targets import load_target
from rkmend.tiling.split import Split
from rkmend.words import ENGLISH, Say

if TYPE_CHECKING:
    from rich.table import Table

HEADS = ("layer", "operator", "output", "banks", "tasks", "MMAC", "used", "KB", "kcycles", "bound")


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
    yield "layer", plain(layer.name)
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
    """Tasks of a layer on one core: each row band and tile of each chunk."""
    return len(cut.bands) * len(cut.tiles) * cut.chunks


def sums(plan: Plan, say: Say = ENGLISH) -> str:
    """What stands under the table."""
    return "\n".join(paragraph(head, text, say) for head, text in _sums(plan, say))


def _sums(plan: Plan, say: Say) -> Iterator[tuple[str, str]]:
    totals, target = plan.totals, load_target(plan.target)
    counted = costing(plan)
    computed = [layer for layer in counted if layer.computed]
    used = totals.macs / totals.macs_padded if totals.macs_padded else 0
    share = totals.cycles_compute_bound / totals.cycles if totals.cycles else 0
    views = sum(layer.kind == "view" for layer in plan.layers)
    yield (
        say("{model} on {target}, {dtype}", model=plan.model, target=plan.target, dtype=plan.dtype),
        say(
            "{layers} layers, {computed} of them computed by the convolution unit; {views} views and {fused} fused "
            "operators not shown",
            layers=len(counted),
            computed=len(computed),
            views=views,
            fused=len(plan.layers) - len(counted) - views,
        ),
    )
    yield (
        say("Multiplications"),
        say(
            "{done:,.1f} M, {used:.0%} of those done; the rest is padding", done=totals.macs / 1e6, used=used
        ),
    )
    yield (
        say("Cycles"),
        say(
            "{cycles:,} of the convolution unit on one core, {share:.0%} of them bound by computing; about {other:,} "
            "more to move what the other layers read and write",
            cycles=totals.cycles,
            share=share,
            other=totals.cycles_other,
        ),
    )
    yield (
        say("DRAM"),
        say(
            "{moved:,.1f} MB moved, {weights:,.1f} MB of it weights",
            moved=totals.moved_bytes / 2**20,
            weights=totals.weight_bytes / 2**20,
        ),
    )
    yield (
        say("Memory"),
        say(
            "{peak:,.2f} MB of features at most, while '{layer}' runs",
            peak=totals.peak_bytes / 2**20,
            layer=plain(totals.peak_at),
        ),
    )
    if unknown := sum(layer.cycles is None for layer in counted):
        yield (
            say("Unknown"),
            say(
                "{number} layers whose shapes do not follow from the inputs count as nothing", number=unknown
            ),
        )
    if target.cbuf is None or target.cbuf.division is None:
        yield say("Split"), say("not known for {target}", target=plan.target)


def shape_text(shape: tuple[int, ...] | None) -> str:
    """`64x112x112`, without the batch of one; `?` where it is unknown."""
    if shape is None:
        return "?"
    sizes = shape[1:] if len(shape) > 1 and shape[0] == 1 else shape
    return "x".join(map(str, sizes)) or "scalar"


def plain(name: str) -> str:
    """A name from a model must not steer the terminal."""
    return "".join(character if character.isprintable() else "?" for character in name)


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
