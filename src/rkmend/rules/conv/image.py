"""Convs that read an input of the model pixel by pixel, as images come from a camera."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rkmend.rules.interface.one_more import copied
from rkmend.rules.operands import is_constant
from rkmend.tiling.storage import IMAGE_CHANNELS, is_depthwise

if TYPE_CHECKING:
    import onnx_ir as ir

    from rkmend.rules.conv.conv_node import ConvNode
    from rkmend.rules.replacement import Replacement

FOLDED = ("Mul", "Div", "BatchNormalization")
"""Operators with constants that the toolkit makes part of the Conv behind them."""


def reads_image(conv: ConvNode) -> bool:
    """Whether a Conv is done so: 1, 3 or 4 channels of an input of the model that Convs alone read, not depth-wise."""
    few = conv.geometry.channels in IMAGE_CHANNELS and not is_depthwise(conv.geometry)
    return few and _is_image(conv.data)


def on_a_copy(node: ir.Node, new: Replacement) -> ir.Value:
    """The Conv on the maximum of the image with itself, which is stored like any other feature map."""
    image = node.inputs[0]
    assert image is not None
    return new.node("conv", "Conv", [copied(new, image, None), *node.inputs[1:]], dict(node.attributes))


def _is_image(value: ir.Value) -> bool:
    """Whether it is an input that nothing but Convs read, or one scaled by what becomes part of them."""
    while (producer := value.producer()) is not None:
        data, *others = producer.inputs
        if producer.op_type not in FOLDED or data is None or len(value.uses()) > 1:
            return False
        if not all(is_constant(other) for other in others):
            return False
        value = data
    return value.is_graph_input() and all(
        use.node.op_type in ("Conv", *FOLDED) and use.idx == 0 for use in value.uses()
    )
