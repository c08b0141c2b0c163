"""RKM119: a Conv with a long dilation, or a large window of many channels, of which no tap sees the map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from rkmend.rules.base import Exactness, Fact, Level
from rkmend.rules.conv.conv_node import ConvNode, conv_attributes
from rkmend.rules.conv.limits import MAX_DILATION
from rkmend.rules.operator import OperatorRule
from rkmend.rules.replacement import Replacement
from rkmend.targets import Target
from rkmend.tiling.conv import Axis, ConvGeometry
from rkmend.tiling.storage import is_depthwise

if TYPE_CHECKING:
    import onnx_ir as ir

MOST_PARTS = 4
"""Parts of the channels of a dilated Conv, as if its kernel had no gaps; of more it is gathered."""
GROUP, GROUPS = 16, {"rk3566": 8, "rk3568": 8}
"""Outputs whose weights have to fit in, and unit of a part's channels."""
ROOM = {"rk3576": 7 << 15}
"""Bytes for the weights of a kernel group of a part, where that is not all banks but one."""


class UnseenMap(OperatorRule):
    """A Conv with a dilation over 31, or a large window, of which no tap ever sees the map but its padding.

    ## What happens

    `build` dies with SIGFPE, without a message.

    ## Why

    Dilations have 5 bits. The toolkit gathers the rows or columns that the taps of a longer one see. Where they see
    none it divides by how many there are. It gathers the rows of a shorter dilation, too, if it would have to take the
    Conv apart along its channels into more than 4 parts: as many channels (a multiple of the kernel group) as let the
    weights of a kernel group, those in the gaps included and always in fp16, fit into all banks of the on-chip buffer
    but one. If the rows so gathered leave too many parts as well, it gathers the columns, too. Windows of which not
    even a kernel group of channels fits are not gathered.

    ## Example

    `Conv` of 1x2 taps with a dilation of 36 and pads of 18 on 16x40x6: the taps see columns -18 to -13 and 18 to 23,
    the map has columns 0 to 5.

    ## What rkmend does

    * `taps-between`: puts taps of weight zero between the others, so that the dilation is shorter and 31 at most.

    ## Exactness and its limits

    `exact` for finite inputs: the new taps multiply them by zero. Weights have to be constant. All outputs of such a
    layer are its bias; whoever has it may have mistaken its padding or its dilation. The toolkit may find that out of
    the mended layer, and refuses a model whose outputs are all constant.

    ## Evidence

    Own trials with toolkit 2.3.2, rk3588, fp16: of 31 Convs with dilations over 31 all 11 of which no tap sees the map
    died, in widths as in heights, depth-wise or not; one column more, or a dilation of 31, and they convert. Of
    228 with shorter dilations (16 to 512 channels, kernels 2 to 6, fp16 and int8) all died or converted as said here,
    and so did 119 each on rk3566, rk3562 and rk3576. With a dilation of 12 those of 260 channels and more died on
    rk3588, of over 320 on rk3566, of over 128 on the other two. Where such taps see rows but no columns, all 96 of 300
    to 2206 channels around these limits, and 42 others, converted or died as said here.
    """

    code = "RKM119"
    name = "unseen-map"
    level = Level.ERROR
    operators = frozenset({"Conv"})
    mend = "taps-between"
    summary = "Puts taps of weight zero between the others, so that the dilation is shorter."
    exactness = Exactness.EXACT

    def holds(self, node: ir.Node, target: Target) -> Mapping[str, Fact] | None:
        """Along an axis that is gathered all taps of all outputs fall beside the map."""
        if max(node.attributes.get_ints("dilations", ()) or (1,)) == 1:
            return None
        conv = ConvNode.read(node)
        if conv is None:
            return None
        geometry = conv.geometry
        rows, cols = geometry.rows, geometry.cols
        by_rows = _is_too_large(geometry, rows.extent, target)
        by_both = by_rows and _is_too_large(geometry, rows.kernel, target)
        for axis, gathered in ((rows, by_rows), (cols, by_both)):
            if axis.dilation > (1 if gathered else MAX_DILATION) and not _sees(axis):
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
    """With the longest dilation up to 31 that divides the old one and lets a tap see the map, where there is one."""
    sizes = [size for size in range(min(MAX_DILATION, axis.dilation), 0, -1) if axis.dilation % size == 0]
    axes = [replace(axis, dilation=size, kernel=(axis.extent - 1) // size + 1) for size in sizes]
    return next((one for one in axes if _sees(one)), axes[0])


def _is_too_large(geometry: ConvGeometry, height: int, target: Target) -> bool:
    """Whether so many rows of its window make too many parts, so that the toolkit gathers what the taps see."""
    if is_depthwise(geometry) or target.cbuf is None:
        return False
    group = GROUPS.get(target.name, GROUP)
    room = ROOM.get(target.name, (target.cbuf.banks - 1) * target.cbuf.bank_bytes)
    part = room // (2 * group * height * geometry.cols.extent) // group * group
    return part > 0 and geometry.channels > MOST_PARTS * part


def _sees(axis: Axis) -> bool:
    taps = range(0, axis.extent, axis.dilation)
    begins = range(-axis.pad_begin, axis.outputs * axis.stride - axis.pad_begin, axis.stride)
    return any(0 <= begin + tap < axis.size for begin in begins for tap in taps)
