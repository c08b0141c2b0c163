"""RKM123: a Conv whose stride is longer than its kernel, cut into tiles that do not fit into the on-chip buffer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from rkmend.rules.base import Exactness, Fact, Finding, Level
from rkmend.rules.conv.conv_node import ConvNode, conv_attributes
from rkmend.rules.conv.limits import MAX_DILATION, MAX_STRIDE, halved, with_short_strides
from rkmend.rules.operands import is_constant
from rkmend.rules.operator import OperatorRule
from rkmend.rules.replacement import Replacement
from rkmend.targets import Target
from rkmend.tiling.conv import Axis
from rkmend.tiling.storage import as_computed, widest_element
from rkmend.tiling.tiles import channel_parts, overreaches
from rkmend.toolkit.verdict import Outcome, Verdict

if TYPE_CHECKING:
    import onnx_ir as ir

AFFECTED = ("rk3588", "rk3562")
FEW_OUTPUTS = 32
ONE_TAP = ("rk3562",)
"""Where it is foreseen for kernels 1x1 without groups alone."""


class SteppedTile(OperatorRule):
    """A Conv steps along the width by more than its dilated kernel, and is cut into tiles of columns.

    ## What happens

        E RKNN: Feature is too large
        E RKNN: Failed to config layer: 'Conv:layer', core_num 1 ori_Ih 1 ori_Iw 970 ori_Ic 812 ori_Ib 1
        Aborted (core dumped)

    ## Why

    A window of whole rows does not fit into the on-chip buffer beside the weights, so that the map is cut along the
    width. A tile has as many outputs as the columns that fit allow: (columns + padding - kernel) / stride + 1. Then its
    columns are counted from its outputs, and there each output takes up its stride, even where the kernel is shorter:
    outputs x stride, less the padding of the first tile. These may be more than fit. Beside a tile the buffer holds the
    weights of one group of 16 output channels and part of the next. A depth-wise Conv is computed in halves of its
    channels instead, if two output rows of a half fit and no tile holds all rows.

    ## Example

    `Conv` 3x3 with strides of 6 and a padding of 2 at the left on 812x1x970: 80 columns fit, which are enough for 14
    outputs; 14 outputs are said to take 82. With strides of 5 they are 16 outputs and 78 columns.

    ## What rkmend does

    * `wider-kernel`: adds taps of weight zero at the right, until the kernel is as wide as the stride.

    ## Exactness and its limits

    `exact` for finite inputs: the new taps multiply them by zero. Weights have to be constant.

    ## Evidence

    Own trials with toolkit 2.3.2, rk3588: of 1,325 Convs with such strides, most of them random, all 15 that died of it
    are foreseen, with at most 6 false alarms; of 941 about these limits all but 3 of the 328 that died, with 80 false
    alarms, most of them with windows of 1 or 2 rows. Groups that are computed one by one convert (58 of 58). On rk3562
    13 of 14 that die with a kernel 1x1 are foreseen, with no false alarm. It is a warning for up to 32 outputs: of 60
    random ones at the limits 29 died, of those with more outputs 17 of 24. Of kernels 3x3 on rk3562 and rk3566 some
    die, which is not foreseen. All 100 that were tried for rk3576 convert.
    """

    code = "RKM123"
    name = "stepped-tile-too-large"
    level = Level.ERROR
    operators = frozenset({"Conv"})
    mend = "wider-kernel"
    summary = "Adds taps of weight zero at the right, until the kernel is as wide as the stride."
    exactness = Exactness.EXACT

    def holds(self, node: ir.Node, target: Target) -> Mapping[str, Fact] | None:
        """Where the tiles of a part of its channels overreach."""
        if target.name not in AFFECTED or max(node.attributes.get_ints("strides", ()) or (1,)) == 1:
            return None
        conv = ConvNode.read(node)
        if conv is None or not is_constant(node.inputs[1]):
            return None
        shape = with_short_strides(conv.geometry)
        dilation = max(
            shape.dilation_h if shape.kernel_h > 1 else 1, shape.dilation_w if shape.kernel_w > 1 else 1
        )
        if max(shape.stride_h, shape.stride_w) > MAX_STRIDE or dilation > MAX_DILATION:
            return None
        if target.name in ONE_TAP and (shape.kernel_h * shape.kernel_w > 1 or shape.groups > 1):
            return None
        element = widest_element(target)
        computed = as_computed(shape, element, target)
        if computed.out_channels < shape.out_channels:  # groups one by one
            return None
        if not any(overreaches(part, element, target) for part in channel_parts(computed, element, target)):
            return None
        return {
            "width": shape.width,
            "channels": shape.channels,
            "kernel": shape.kernel_w,
            "stride": shape.stride_w,
            "outputs": shape.out_channels,
        }

    def level_of(self, finding: Finding, target: Target) -> Level:
        """A warning for few outputs, whose weights the compiler may hold otherwise."""
        return self.level if int(finding.facts["outputs"]) > FEW_OUTPUTS else Level.WARNING

    def rewrite(self, node: ir.Node, new: Replacement) -> Sequence[ir.Value | None]:
        """The Conv with a wider kernel."""
        import numpy as np

        conv = ConvNode.read(node)
        assert conv is not None
        cols, weight = _widened(conv.geometry.cols), conv.weight_array
        wide = np.zeros((*weight.shape[:3], cols.kernel), weight.dtype)
        wide[..., : weight.shape[3]] = weight
        inputs = [conv.data, new.constant("weight", wide), *node.inputs[2:]]
        return [
            new.node("conv", "Conv", inputs, conv_attributes(conv.geometry.rows, cols, conv.geometry.groups))
        ]

    def recognises(self, verdict: Verdict) -> bool:
        """The compiler ended its process because a feature is too large."""
        return (
            verdict.outcome is Outcome.ABORTED
            and "Failed to config layer" in f"{verdict.signature}{verdict.message}"
        )


def _widened(axis: Axis) -> Axis:
    """The same outputs from a kernel that is as long as the stride, with taps added at the end."""
    dilation = axis.dilation if axis.kernel > 1 else 1
    more = -(-max(0, halved(axis.stride) - axis.extent) // dilation)
    return replace(axis, kernel=axis.kernel + more, dilation=dilation, pad_end=axis.pad_end + more * dilation)
