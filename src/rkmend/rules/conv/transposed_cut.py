"""RKM114: a ConvTranspose that cuts off more than its kernel adds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from rkmend.rules.base import Exactness, Fact, Level
from rkmend.rules.conv.transposed import Spread, TransposedConv, spread_attributes
from rkmend.rules.forms import cut
from rkmend.rules.operator import OperatorRule
from rkmend.rules.replacement import Replacement
from rkmend.targets import Target

if TYPE_CHECKING:
    import onnx_ir as ir

PIXELS = {"rk3588": (1, 3, 4), "rk3562": (1, 3, 4), "rk3566": (1, 3), "rk3568": (1, 3)}
"""Numbers of channels that are read pixel by pixel, where the compiler cannot pad by a negative number."""
DENSE = ("rk3566", "rk3568")
"""Targets whose compiler divides by zero if columns that the kernel adds, and more, are cut off at the right."""


class TransposedCut(OperatorRule):
    """A ConvTranspose that cuts off more rows or columns than its kernel adds.

    ## What happens

    The compiler ends its process:

        E RKNN: Unsupport true_pad < 0 while argb mode
        Aborted (core dumped)

    On rk3566 and rk3568 it ends by SIGFPE without a word.

    ## Why

    The NPU computes it as a Conv on the spread input, padded by kernel - 1 - pad, and the compiler forgets the dilation
    there; here that is negative. Of 1, 3 or 4 input channels, which are read as pixels, it has no way to cut.

    ## Example

    `ConvTranspose` 3x3 of one channel, stride 1, with a pad of 4; of three channels with a dilation and a pad of 13.

    ## What rkmend does

    * `cut-after`: pads by kernel - 1 at most and cuts the rest off by a Slice.

    ## Exactness and its limits

    `exact`: the same sums; those that nobody wants are computed as well.

    ## Evidence

    Own trials of random layers with toolkit 2.3.2. Of 1, 3 or 4 channels without groups: 10 of 10 died on rk3588 (and 2
    of 2 with stride 3, which is spread on the CPU, converted), 6 of 6 on rk3562, and of 1 channel 3 of 3 on rk3566;
    6 of 6 convert for rk3576. With a dilation all 26 on three targets with a pad of the kernel or more died, those
    below converted. Of other numbers of channels 83 of 83 convert on rk3588, while on rk3566 those die that cut at the
    right and have more than one tap in a row, if the stride divides what is cut beyond the kernel and is not longer
    than it: 120 random and systematic ones with strides of 1, 2 and 4, all as said.
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
        if not far or not (_as_pixels(conv, target) or _divides_by_zero(conv, target)):
            return None
        return {
            "channels": conv.shape[1],
            "kernel": far[0].kernel,
            "pads": f"{far[0].pad_begin} {far[0].pad_end}",
        }

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


def _divides_by_zero(conv: TransposedConv, target: Target) -> bool:
    last = conv.axes[-1]
    if target.name not in DENSE or last.kernel == 1 or last.kernel < last.stride:
        return False
    return last.pad_end >= last.extent and (last.pad_end - last.extent) % last.stride == 0


def _uncut(axis: Spread) -> Spread:
    """With the padding that the kernel has, and the outputs that come of it."""
    begin, end = min(axis.pad_begin, axis.kernel - 1), min(axis.pad_end, axis.kernel - 1)
    return replace(axis, pad_begin=begin, outputs=axis.outputs + axis.pad_begin - begin + axis.pad_end - end)
