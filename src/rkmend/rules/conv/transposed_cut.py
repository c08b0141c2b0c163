"""RKM114: a ConvTranspose that cuts off more than its kernel adds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from rkmend.rules.base import Exactness, Fact, Finding, Level
from rkmend.rules.conv.transposed import Spread, TransposedConv, spread_attributes
from rkmend.rules.forms import cut
from rkmend.rules.operator import OperatorRule
from rkmend.rules.replacement import Replacement
from rkmend.targets import Target
from rkmend.tiling.bands import held, row_entries
from rkmend.tiling.conv import Axis, ConvGeometry
from rkmend.tiling.storage import widest_element

if TYPE_CHECKING:
    import onnx_ir as ir

PIXELS = {"rk3588": (1, 3, 4), "rk3562": (1, 3, 4), "rk3566": (1, 3), "rk3568": (1, 3)}
"""Numbers of channels that are read pixel by pixel, where the compiler cannot pad by a negative number."""
ENDLESS = ("rk3588", "rk3576", "rk3562", "rk3566", "rk3568")
"""Targets whose compiler takes all the memory there is if all columns of the input are cut off at the right."""
DENSE = ("rk3566", "rk3568")
"""Targets whose compiler divides by zero if columns that the kernel adds, and more, are cut off at the right."""
NARROW = ("rk3576",)
"""Targets whose compiler counts rows of input below zero if what is cut off leaves none of them."""
ROWS, MOST_ENTRIES = 1 << 14, (1 << 14) - 1
"""Modulo what it counts them, and how many buffer entries they may take."""
MOST_MISSING = 64
"""Rows that may be missing at the end where windows reach beyond it."""


class TransposedCut(OperatorRule):
    """A ConvTranspose that cuts off more rows or columns than its kernel adds.

    ## What happens

    The compiler ends its process:

        E RKNN: Unsupport true_pad < 0 while argb mode
        Aborted (core dumped)

    Or it takes all the memory there is. On rk3566 and rk3568 it ends by SIGFPE without a word. On rk3576 a number does
    not fit into its register:

        E RKNN: REGTASK: The bit width of field value exceeds the limit, target: f2, offset: 0x1028, shift = 16,
        limit: 0x3fff, value: 0x13ff6

    ## Why

    The NPU computes it as a Conv on the spread input, padded by kernel - 1 - pad, and the compiler forgets the dilation
    there; here that is negative. Of 1, 3 or 4 input channels, which are read as pixels, it has no way to cut. Where as
    many columns are cut off at the right as the spread input has, or more, it looks for a tile and never ends.
    On RK3576 it counts the rows of input from the first that is left to the last that is seen; where there are none the
    count is negative. So is the number of rows that are added at the end, which has 7 bits.

    ## Example

    `ConvTranspose` 3x3 of one channel, stride 1, with a pad of 4; of three channels with a dilation and a pad of 13; of
    any number with a pad of 3 at the right of three columns.

    ## What rkmend does

    * `cut-after`: pads by kernel - 1 at most and cuts the rest off by a Slice.

    ## Exactness and its limits

    `exact`: the same sums; those that nobody wants are computed as well.

    ## Evidence

    Own trials of random layers with toolkit 2.3.2. Of 1, 3 or 4 channels without groups: 10 of 10 died on rk3588 (and 2
    of 2 with stride 3, which is spread on the CPU, converted), 6 of 6 on rk3562, and of 1 channel 3 of 3 on rk3566;
    6 of 6 convert for rk3576. With a dilation all 26 on three targets with a pad of the kernel or more died, those
    below converted. Of 32 channels, with strides of 1 and 2, kernels of 2 to 7, dilations of 1 to 3, fp16 and int8,
    groups and none, 45 of 225 took all memory on rk3588, all as said here (rk3576, rk3562 and rk3566 alike, 3 each). Of
    other numbers of channels 83 of 83 others convert on rk3588, while on rk3566 those die that cut at the right and
    have more than one tap in a row, if the stride divides what is cut beyond the kernel and is not longer
    than it: 120 random and systematic ones with strides of 1, 2 and 4, all as said. Where rows do not fit into the
    buffer beside the weights and are cut, 18 of 35 died, which is a warning; of 63 others that fit 61. On rk3576, fp16
    and int8, of 300 random ones that were drawn near this 46 failed: 40 as said, without a false alarm, and six that
    are not said: four of register 0x3024, two of 0x1080 with over 64 columns missing.
    """

    code = "RKM114"
    name = "transposed-cut"
    level = Level.ERROR
    operators = frozenset({"ConvTranspose"})
    mend = "cut-after"
    summary = "Pads by what the kernel adds at most and cuts the rest off afterwards."
    exactness = Exactness.EXACT

    def holds(self, node: ir.Node, target: Target) -> Mapping[str, Fact] | None:
        """Where a pad is larger than the kernel minus 1, and the target's compiler dies of it."""
        conv = TransposedConv.read(node)
        if conv is None or not 1 <= len(conv.axes) <= 2 or conv.is_stuffed(target):
            return None
        far = [axis for axis in conv.axes if max(axis.pad_begin, axis.pad_end) >= axis.kernel]
        dies = (_as_pixels, _never_ends, _divides_by_zero, _counts_below_zero)
        if not far or not any(law(conv, target) for law in dies):
            return None
        facts: dict[str, Fact] = {
            "channels": conv.shape[1],
            "kernel": far[0].kernel,
            "pads": f"{far[0].pad_begin} {far[0].pad_end}",
        }
        return facts | {"tiled": True} if _is_tiled(conv, target) else facts

    def level_of(self, finding: Finding, target: Target) -> Level:
        """A warning where the compiler cuts columns or channels, and may find a tile that divides by no zero."""
        return Level.WARNING if finding.facts.get("tiled") else self.level

    def rewrite(self, node: ir.Node, new: Replacement) -> Sequence[ir.Value | None]:
        """The same with smaller pads, and a Slice for each axis that had more."""
        conv = TransposedConv.read(node)
        assert conv is not None
        whole = tuple(_uncut(axis) for axis in conv.axes)
        attributes = spread_attributes(whole, conv.groups)
        value = new.node("conv", "ConvTranspose", list(node.inputs), attributes)
        for number, (axis, wider) in enumerate(zip(conv.axes, whole, strict=True)):
            begin = axis.pad_begin - wider.pad_begin
            if wider.outputs != axis.outputs:
                value = cut(new, f"cut{number}", value, 2 + number, begin, begin + axis.outputs)
        return [value]


def _as_pixels(conv: TransposedConv, target: Target) -> bool:
    return conv.groups == 1 and conv.shape[1] in PIXELS.get(target.name, ())


def _never_ends(conv: TransposedConv, target: Target) -> bool:
    """Whether as many columns are cut off at the right as the spread input has, and the kernel with its gaps."""
    last = conv.axes[-1]
    cut_off = last.pad_end - (last.extent - last.kernel)
    return target.name in ENDLESS and cut_off >= max(last.extent, (last.size - 1) * last.stride + 1)


def _divides_by_zero(conv: TransposedConv, target: Target) -> bool:
    last = conv.axes[-1]
    if target.name not in DENSE or last.kernel == 1 or last.kernel < last.stride:
        return False
    return last.pad_end >= last.extent and (last.pad_end - last.extent) % last.stride == 0


def _is_tiled(conv: TransposedConv, target: Target) -> bool:
    """Whether rows of the spread input are cut where the compiler divides by zero."""
    if len(conv.axes) < 2 or _as_pixels(conv, target) or not _divides_by_zero(conv, target):
        return False
    rows, cols = (_as_conv(axis) for axis in conv.axes)
    geometry = ConvGeometry.along(rows, cols, conv.shape[1], conv.out_channels, conv.groups)
    fits = held(geometry, widest_element(target), target)
    return fits.rows > 0 and (fits.narrowed or fits.channels < geometry.channels)


def _as_conv(axis: Spread) -> Axis:
    """The Conv on the spread input that the NPU computes."""
    size, reach = (axis.size - 1) * axis.stride + 1, axis.extent - 1
    return Axis(size, axis.kernel, 1, axis.dilation, reach - axis.pad_begin, reach - axis.pad_end)


def _counts_below_zero(conv: TransposedConv, target: Target) -> bool:
    """Whether no row of input is left, or less than none is to be added, and the register cannot hold the number."""
    if target.name not in NARROW or len(conv.axes) < 2:
        return False
    rows, cols = conv.axes
    (first, last), (left, right) = (_seen(axis) for axis in conv.axes)
    columns = min(right, cols.size - 1) - left + 1
    if columns < 1:
        return False  # where none is left either, it converts
    if last == rows.size and rows.pad_end - rows.kernel + 1 > MOST_MISSING:
        return True
    last = min(last, rows.size - 1)
    if last >= first:
        return False
    entries = row_entries(columns, conv.shape[1], widest_element(target), target)
    return entries * (ROWS + last - first + 1) > MOST_ENTRIES


def _seen(axis: Spread) -> tuple[int, int]:
    """First and last input element that is left, as the compiler reckons them: the first without the dilation.

    The last is `size`, which there is not, if windows reach beyond the last element.
    """
    cut_off = axis.pad_begin - axis.kernel + 1
    end = axis.outputs - 1 + cut_off + axis.extent - 1
    beyond = end > (axis.size - 1) * axis.stride
    return max(0, -(-cut_off // axis.stride)), axis.size if beyond else end // axis.stride


def _uncut(axis: Spread) -> Spread:
    """With the padding that the kernel has, and the outputs that come of it."""
    begin, end = min(axis.pad_begin, axis.kernel - 1), min(axis.pad_end, axis.kernel - 1)
    return replace(axis, pad_begin=begin, outputs=axis.outputs + axis.pad_begin - begin + axis.pad_end - end)
