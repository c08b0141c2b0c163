"""All that a plan knows about one layer, told for the terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rkmend.planning.record import LayerPlan, Plan
from rkmend.report.plan_story import plain, shape_text
from rkmend.report.text import paragraph
from rkmend.targets import load_target
from rkmend.tiling.split import Piece
from rkmend.words import ENGLISH, N_, Say

SHOWN_PIECES = 6
SHARED = {"rows": N_("rows"), "output channels": N_("output channels"), "nothing": N_("nothing")}


def layer_story(layer: LayerPlan, plan: Plan, say: Say = ENGLISH) -> str:
    """All about one layer."""
    return "\n".join(paragraph(head, text, say) for head, text in _layer_lines(layer, plan, say))


def _layer_lines(layer: LayerPlan, plan: Plan, say: Say) -> Iterator[tuple[str, str]]:
    ins = ", ".join(shape_text(shape) for shape in layer.input_shapes)
    outs = shape_text(layer.output_shape)
    yield (
        f"{layer.operator} {plain(layer.name)}",
        say("{ins} -> {outs}, {dtype} on {target}", ins=ins, outs=outs, dtype=plan.dtype, target=plan.target),
    )
    if layer.kind == "view":
        yield say("Cost"), say("none, it is a view of its input")
        return
    if layer.kind == "fused":
        yield (
            say("Cost"),
            say("none of its own, it is computed along with '{layer}'", layer=plain(layer.into)),
        )
        return
    if layer.fused:
        yield say("Fused"), ", ".join(layer.fused)
    if layer.geometry:
        yield from _computing(layer, plan, say)
    if layer.cycles is None:
        yield say("Cost"), say("not known: {why}", why=say.again(layer.unsplit))
        return
    yield (
        say("DRAM"),
        say(
            "{features} features in, {weights} weights, {outputs} features out: {cycles:,} cycles",
            features=_kb(layer.input_bytes),
            weights=_kb(layer.weight_bytes),
            outputs=_kb(layer.output_bytes),
            cycles=layer.cycles_ddr,
        ),
    )
    bound = say("by computing") if layer.bound == "compute" else say("by DRAM")
    yield say("Cycles"), say("{cycles:,}, bound {bound}", cycles=layer.cycles, bound=bound)
    yield say("Memory"), say("{size} of features while it runs", size=_kb(layer.live_bytes))
    yield from _splitting(layer, plan, say)


def _computing(layer: LayerPlan, plan: Plan, say: Say) -> Iterator[tuple[str, str]]:
    shape, target = layer.geometry, load_target(plan.target)
    assert shape is not None
    assert layer.cycles_npu is not None
    kind = layer.kind if layer.kind == layer.operator else say("computed as {kind}", kind=layer.kind)
    if layer.kind == "MatMul":
        kind = say("computed as a Conv")
    if layer.kind == "ConvTranspose":
        kind = say("computed as a Conv over the stuffed input")
    geometry = say(
        "{kind}, {channels} channels {size} -> {out_channels} channels {out_size}, kernel {kernel}, stride {stride}, "
        "pads top {top}, left {left}, bottom {bottom}, right {right}",
        kind=kind,
        channels=shape.channels,
        size=f"{shape.height}x{shape.width}",
        out_channels=shape.out_channels,
        out_size=f"{shape.rows.outputs}x{shape.cols.outputs}",
        kernel=f"{shape.kernel_h}x{shape.kernel_w}",
        stride=f"{shape.stride_h}x{shape.stride_w}",
        top=shape.pad_top,
        left=shape.pad_left,
        bottom=shape.pad_bottom,
        right=shape.pad_right,
    )
    if max(shape.dilation_h, shape.dilation_w) > 1:
        geometry += say(", dilation {size}", size=f"{shape.dilation_h}x{shape.dilation_w}")
    if shape.groups > 1:
        geometry += say(", {number} groups", number=shape.groups)
    yield say("Geometry"), geometry
    yield (
        say("Computing"),
        say(
            "{macs:,} multiplications, {padded:,} with padding ({used:.1%} used): {cycles:,} cycles, {rate:.0f} "
            "multiplications a cycle of {most}",
            macs=layer.macs,
            padded=layer.macs_padded,
            used=layer.utilisation or 0,
            cycles=layer.cycles_npu,
            rate=layer.macs / layer.cycles_npu if layer.cycles_npu else 0,
            most=target.mac[plan.dtype].per_cycle,
        ),
    )


def _splitting(layer: LayerPlan, plan: Plan, say: Say) -> Iterator[tuple[str, str]]:
    cut, shape, cbuf = layer.split, layer.geometry, load_target(plan.target).cbuf
    if cut is None or shape is None or cbuf is None:
        yield say("Split"), say("none: {why}", why=say.again(layer.unsplit))
        return
    rows = max(band.inputs for band in cut.bands)
    yield (
        say("Buffer"),
        say(
            "{banks} banks of {size} KB; {features} for features, {weights} for weights; a row takes {row:,} entries "
            "of {bytes} bytes, {rows} rows at once {taken:,} of {all:,}",
            banks=cbuf.banks,
            size=cbuf.bank_bytes // 1024,
            features=cut.feature_banks,
            weights=cut.weight_banks,
            row=cut.row_entries,
            bytes=cbuf.entry_bytes,
            rows=rows,
            taken=rows * cut.row_entries,
            all=cut.feature_banks * cbuf.entries_per_bank,
        ),
    )
    yield say("Row bands"), _pieces(cut.bands, say("rows"), say)
    if len(cut.tiles) > 1:
        yield say("Tiles"), _pieces(cut.tiles, say("columns"), say)
    if cut.reload > 1:
        yield say("Overlap"), say("{share:.1%} of the input is loaded again", share=cut.reload - 1)
    what = (
        say("a task computes")
        if layer.kind == "depth-wise Conv"
        else say("weights in the buffer at once for")
    )
    yield (
        say("Channels"),
        say.many(
            "{what} {chunk} of {all} output channels, {count} chunk",
            "{what} {chunk} of {all} output channels, {count} chunks",
            cut.chunks,
            what=what,
            chunk=cut.chunk,
            all=shape.out_channels,
        ),
    )
    shared = say(", which share the {what}", what=say(SHARED[cut.shared])) if cut.cores > 1 else ""
    yield say("Cores"), f"{cut.cores}{shared}"


def _pieces(pieces: tuple[Piece, ...], what: str, say: Say) -> str:
    named = [
        say(
            "out {outputs} from in {inputs}",
            outputs=f"{piece.output}-{piece.output + piece.outputs - 1}",
            inputs=f"{piece.input}-{piece.input + piece.inputs - 1}" if piece.inputs else say("padding only"),
        )
        for piece in pieces
    ]
    if len(named) > SHOWN_PIECES:
        named[SHOWN_PIECES - 1 : -1] = ["..."]
    return say(
        "{number} of up to {most} output {what}: {listed}",
        number=len(pieces),
        most=max(piece.outputs for piece in pieces),
        what=what,
        listed="; ".join(named),
    )


def _kb(number: int) -> str:
    return f"{number / 1024:,.1f} KB"
