"""The pictures of a plan."""

from __future__ import annotations

from rkmend.errors import InputError
from rkmend.pictures.roofline import Spot, draw_roofline
from rkmend.pictures.tiling import draw_tiling
from rkmend.planning.record import LayerPlan, Plan
from rkmend.report.plan_story import shape_text
from rkmend.targets import load_target


def tiling_picture(layer: LayerPlan, plan: Plan) -> bytes:
    """The tiling of a layer on its feature map, as SVG.

    Raises:
        InputError: The layer is not split.
    """
    cbuf = load_target(plan.target).cbuf
    if layer.split is None or layer.geometry is None or cbuf is None:
        raise InputError(
            f"there is no tiling of '{layer.name}' to draw: {layer.unsplit or f'it is a {layer.kind} operator'}",
            hint="Give a Conv, Gemm or MatMul; without --node, --svg draws the roofline of the network.",
        )
    shape = layer.geometry
    return draw_tiling(
        shape,
        layer.split,
        cbuf,
        title=layer.name,
        subtitle=(
            f"{layer.kind} {shape.kernel_h}x{shape.kernel_w}, stride {shape.stride_h}x{shape.stride_w}, "
            f"{shape_text(layer.input_shapes[0])} -> {shape_text(layer.output_shape)}, {plan.dtype}, {plan.target}"
        ),
    )


def network_picture(plan: Plan) -> bytes:
    """The roofline of a network, as SVG.

    Raises:
        InputError: There is nothing to draw.
    """
    target = load_target(plan.target)
    spots = [
        Spot(layer.name, layer.kind, layer.macs, layer.moved_bytes, layer.cycles)
        for layer in plan.layers
        if layer.computed and layer.macs and layer.cycles
    ]
    if not spots:
        raise InputError(
            f"the convolution unit computes nothing in {plan.model}: there is no roofline to draw",
            hint="Leave out --svg.",
        )
    return draw_roofline(
        spots,
        peak=target.mac[plan.dtype].per_cycle,
        depthwise=target.depthwise_channels,
        bandwidth=target.dram_bytes_per_cycle,
        title=f"{plan.model.rpartition('/')[2]} on {plan.target}, {plan.dtype}, one core",
    )
