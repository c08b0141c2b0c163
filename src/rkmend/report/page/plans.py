"""The rows of a plan for the page."""

from __future__ import annotations

from rkmend.planning import LayerPlan, Plan
from rkmend.report.page.opened import Opened
from rkmend.report.page.rows import PlanRow
from rkmend.report.plan_story import shape_text


def plan_rows(plan: Plan, opened: Opened, pictures: dict[str, int]) -> tuple[PlanRow, ...]:
    """A row for each operator that is not a constant.

    Args:
        plan: Of the model.
        opened: The model.
        pictures: Name of a layer -> index of the drawing of its tiling.
    """
    return tuple(_row(layer, opened, pictures.get(layer.name)) for layer in plan.layers)


def _row(layer: LayerPlan, opened: Opened, picture: int | None) -> PlanRow:
    shape, cut = layer.geometry, layer.split
    return PlanRow(
        which=opened.which,
        node=opened.ids[layer.name],
        kind=layer.kind,
        into=opened.ids[layer.into] if layer.into else None,
        fused=layer.fused,
        input=f"{shape.channels}x{shape.height}x{shape.width}" if shape else "",
        output=shape_text(layer.output_shape),
        kernel=f"{shape.kernel_h}x{shape.kernel_w}" if shape else "",
        stride=f"{shape.stride_h}x{shape.stride_w}" if shape else "",
        dilation=f"{shape.dilation_h}x{shape.dilation_w}" if shape else "",
        pads=f"{shape.pad_top}, {shape.pad_left}, {shape.pad_bottom}, {shape.pad_right}" if shape else "",
        groups=shape.groups if shape else 1,
        banks=f"{cut.feature_banks}+{cut.weight_banks}" if cut else "",
        row_entries=cut.row_entries if cut else 0,
        rows=max(band.inputs for band in cut.bands) if cut else 0,
        bands=len(cut.bands) if cut else 0,
        tiles=len(cut.tiles) if cut else 0,
        chunk=cut.chunk if cut else 0,
        chunks=cut.chunks if cut else 0,
        cores=cut.cores if cut else 1,
        shared=cut.shared if cut else "nothing",
        unsplit=layer.unsplit,
        macs=layer.macs,
        utilisation=layer.utilisation,
        input_bytes=layer.input_bytes,
        weight_bytes=layer.weight_bytes,
        output_bytes=layer.output_bytes,
        cycles_ddr=layer.cycles_ddr,
        cycles_npu=layer.cycles_npu,
        cycles=layer.cycles,
        bound=layer.bound or "",
        live_bytes=layer.live_bytes,
        picture=picture,
    )
