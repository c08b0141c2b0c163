"""RKM119: a Conv with a long dilation, or of many channels, of which no tap sees the map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from rkmend.rules.base import Exactness, Fact, Level
from rkmend.rules.conv.conv_node import ConvNode, conv_attributes
from rkmend.rules.conv.limits import MAX_DILATION
from rkmend.rules.lite import LITE
from rkmend.rules.operator import OperatorRule
from rkmend.rules.replacement import Replacement
from rkmend.targets import Target
from rkmend.tiling.conv import Axis

if TYPE_CHECKING:
    import onnx_ir as ir

FEW_CHANNELS, FEW_CHANNELS_LITE = 500, 300
"""So many are not gathered because of their number: 320 converted, 512 died, on RK3566 320."""


class UnseenMap(OperatorRule):
    """A Conv with a dilation over 31, or of over 500 channels, of which no tap ever sees the map but its padding.

    ## What happens

    `build` dies with SIGFPE, without a message.

    ## Why

    Dilations have 5 bits. The toolkit takes a longer one apart, and any of many channels: it gathers the rows or
    columns that the taps see. Where they see none it divides by how many there are.

    ## Example

    `Conv` of 1x2 taps with a dilation of 36 and pads of 18 on 16x40x6: the taps see columns -18 to -13 and 18 to 23,
    the map has columns 0 to 5.

    ## What rkmend does

    * `taps-between`: puts taps of weight zero between the others, so that the dilation is shorter and 31 at most.

    ## Exactness and its limits

    `exact` for finite inputs: the new taps multiply them by zero. Weights have to be constant. All outputs of such a
    layer are its bias; whoever has it may have mistaken its padding or its dilation.

    ## Evidence

    Own trials with toolkit 2.3.2, rk3588, fp16: of 31 Convs with dilations over 31 all 11 of which no tap sees the map
    died, in widths as in heights, depth-wise or not; one column more, or a dilation of 31, and they convert. With a
    dilation of 12 those of 512 and 609 channels died, in int8 as well, those of 64 to 320 did not.
    """

    code = "RKM119"
    name = "unseen-map"
    level = Level.ERROR
    operators = frozenset({"Conv"})
    mend = "taps-between"
    summary = "Puts taps of weight zero between the others, so that the dilation is shorter."
    exactness = Exactness.EXACT

    def holds(self, node: ir.Node, target: Target) -> Mapping[str, Fact] | None:
        """Along an axis with such a dilation all taps of all outputs fall beside the map."""
        if max(node.attributes.get_ints("dilations", ()) or (1,)) == 1:
            return None
        conv = ConvNode.read(node)
        if conv is None:
            return None
        few = FEW_CHANNELS_LITE if target.name in LITE else FEW_CHANNELS
        most = MAX_DILATION if conv.geometry.channels <= few else 1
        for axis in (conv.geometry.rows, conv.geometry.cols):
            if axis.dilation > most and not _sees(axis):
                return {"size": axis.size, "dilation": axis.dilation, "kernel": axis.kernel}
        return None

    def rewrite(self, node: ir.Node, new: Replacement) -> Sequence[ir.Value | None]:
        """The Conv with a kernel of more taps."""
        import numpy as np

        conv = ConvNode.read(node)
        assert conv is not None
        rows, cols = (_denser(axis) for axis in (conv.geometry.rows, conv.geometry.cols))
        weight = conv.weight_array
        dense = np.zeros((*weight.shape[:2], rows.kernel, cols.kernel), weight.dtype)
        spread = [
            old.dilation // axis.dilation
            for old, axis in ((conv.geometry.rows, rows), (conv.geometry.cols, cols))
        ]
        dense[:, :, :: spread[0], :: spread[1]] = weight
        inputs = [conv.data, new.constant("weight", dense), *node.inputs[2:]]
        return [new.node("conv", "Conv", inputs, conv_attributes(rows, cols, conv.geometry.groups))]


def _denser(axis: Axis) -> Axis:
    """With the longest dilation up to 31 that divides the old one."""
    dilation = next(
        size for size in range(min(MAX_DILATION, axis.dilation), 0, -1) if axis.dilation % size == 0
    )
    return replace(axis, dilation=dilation, kernel=(axis.extent - 1) // dilation + 1)


def _sees(axis: Axis) -> bool:
    taps = range(0, axis.extent, axis.dilation)
    begins = range(-axis.pad_begin, axis.outputs * axis.stride - axis.pad_begin, axis.stride)
    return any(0 <= begin + tap < axis.size for begin in begins for tap in taps)
