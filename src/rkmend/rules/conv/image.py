"""ImageRule: a rule about Convs that read an input of the model pixel by pixel, as images come from a camera."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from rkmend.rules.base import Exactness, Fact
from rkmend.rules.conv.conv_node import ConvNode
from rkmend.rules.interface.one_more import copied
from rkmend.rules.operands import is_constant
from rkmend.rules.operator import OperatorRule
from rkmend.rules.replacement import Replacement
from rkmend.targets import Target
from rkmend.tiling.storage import IMAGE_CHANNELS, is_depthwise

if TYPE_CHECKING:
    import onnx_ir as ir

    from rkmend.tiling.conv import ConvGeometry

FOLDED = ("Mul", "Div", "BatchNormalization")
"""Operators with constants that the toolkit makes part of the Conv behind them."""


class ImageRule(OperatorRule):
    """Subclasses say on which targets such a Conv fails, and where; on a copy of the image it does not."""

    affected: ClassVar[Collection[str]]
    operators = frozenset({"Conv"})
    mend = "copied-image"
    summary = "Reads a copy of the image, which is stored like any other feature map."
    exactness = Exactness.EXACT

    def holds(self, node: ir.Node, target: Target) -> Mapping[str, Fact] | None:
        """See `fails`: of 1, 3 or 4 channels of an input of the model that Convs alone read, not depth-wise."""
        if target.name not in self.affected or (conv := ConvNode.read(node)) is None:
            return None
        geometry = conv.geometry
        if geometry.channels not in IMAGE_CHANNELS or is_depthwise(geometry) or not _is_image(conv.data):
            return None
        return self.fails(geometry, target)

    @abstractmethod
    def fails(self, geometry: ConvGeometry, target: Target) -> Mapping[str, Fact] | None:
        """The facts where the compiler fails on a Conv that reads an image; None where it does not."""

    def rewrite(self, node: ir.Node, new: Replacement) -> Sequence[ir.Value | None]:
        """The Conv on the maximum of the image with itself."""
        image = node.inputs[0]
        assert image is not None
        inputs = [copied(new, image, None), *node.inputs[1:]]
        return [new.node("conv", "Conv", inputs, dict(node.attributes))]


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
