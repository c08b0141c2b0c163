"""RKM101: a Conv whose padding reaches beyond its kernel."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from rkmend.rules.base import Exactness, Finding, Level, Mend, Rule
from rkmend.rules.conv.conv_node import ConvNode, convs_of
from rkmend.rules.conv.conv_padding_mends import border_rows, kernel_embedding, output_padding, trim_padding
from rkmend.rules.conv.limits import LONGEST_PART, MAX_PAD, MAX_STRIDE, with_short_strides
from rkmend.rules.replacement import Replacement
from rkmend.targets import Target
from rkmend.tiling.conv import Axis, ConvGeometry
from rkmend.tiling.fixed import starves_between
from rkmend.tiling.sharing import starves
from rkmend.tiling.storage import as_computed, is_depthwise, widest_element
from rkmend.tiling.tiles import channel_parts
from rkmend.toolkit.options import BuildOptions
from rkmend.toolkit.verdict import Outcome, Verdict

if TYPE_CHECKING:
    import onnx_ir as ir

AFFECTED = ("rk3588", "rk3576")
"""Targets whose compiler dies of it, on rk3576 where a band is all padding; six others converted the same model."""

OVERFLOW = "REGTASK: offset 0x1028"
"""How the failure on rk3576 is signed."""


class PaddingBeyondKernel(Rule):
    """A Conv is padded at the top or the bottom by more rows than its dilated kernel height minus 1.

    ## What happens

    The compiler ends its process while it tiles the layer, so Python cannot catch it:

        E RKNN: Failed to config layer: 'Conv:<node>', Fatal Error
        E RKNN: core_num 3 ori_Ih 126 ori_Iw 1198 ori_Ic 384 ori_Ib 1
        ...
        Aborted (core dumped)

    On RK3576, where all output rows of a band are padding, it writes a number into a register that is too narrow for it
    instead:

        E RKNN: REGTASK: The bit width of field value exceeds the limit, target: f2, offset: 0x1028, ...

    Small layers of the same kind convert. Others fail in some runs and convert in the rest.

    ## Why

    Padding beyond the kernel makes output rows that see no input row. When a layer is too large for the NPU's buffer
    its rows are shared out; some piece may be left with nothing but padding, and the compiler has no way to write that
    down. It makes versions for one, two and three cores of each layer, and one of them suffices for the failure. For n
    cores it cuts the output rows into n x ceil(rows / (n x band)) pieces of nearly equal height, the higher ones first,
    where a band is what the buffer holds at once; it aborts when the first or the last piece is nothing but padding,
    and on one core when a band begins behind the input. It does not cut for more cores than there are rows that it
    takes for live: all but those before the input, and one for each time that the dilated kernel fits into the padding
    at the bottom. A row takes up its stride where that is longer than the kernel, so that fewer at the top count as
    padding. Where there are at least n full groups of 16 (int8: 32) output channels, and all groups (the last may be
    part of one) are a multiple of n or more than the buffer holds, the channels are shared out instead, but never those
    of a depth-wise Conv. A Conv is taken apart along its input channels first if the weights of one group leave no bank
    of the buffer for features. A pad over 15 becomes a Pad, as do all rows where a kernel of more than 16 rows is cut,
    and leaves nothing to starve; of a kernel that is cut along the width only the columns do. So the cut depends on
    height, width and channels, which is why changing the width seems to help now and then; what fails is the padding.

    ## Example

    `Conv` 1x1, pads 1 on every side, 1x384x126x1198 -> 1x128x128x1200. The kernel reaches over 0 rows,
    the padding has 1: the first and the last output row hold nothing but the bias.

    ## What rkmend does

    It tries these and keeps the cheapest that converts in repeated runs:

    * `output-padding`: a Conv of the outputs that see the input, without bias; Pad puts the others back
      as zeros; Add adds the bias.
    * `border-rows`: a Conv of the outputs that see the input; the others are joined to it with Concat, as
      constants that hold the bias.
    * `kernel-embedding`: taps of weight zero round the kernel until the padding stays within it.
    * `trim-padding`: instead of all these where the stride never reaches the padding beyond the kernel:
      the same Conv without it.
    * `single-core`: the build option `single_core_mode`. The file runs on one core, and the failure is
      only less frequent, not gone.

    All rewrites remove the padding beyond the kernel on all four sides, because a Conv that keeps it at
    the top, the left and the right still fails now and then. A Pad in front of the Conv is no mend: the
    toolkit folds it back into the Conv.

    ## Exactness and its limits

    All give the same outputs in real arithmetic, for every finite input; each is proved for the model
    at hand. With a bias, `output-padding` stores the sum before it adds the bias, so that it is rounded
    once more. `kernel-embedding` multiplies input by zero: an infinite or NaN input would spread to more
    outputs, and a backend that sums a long kernel in blocks (ONNX Runtime does) rounds elsewhere.
    `kernel-embedding` needs constant weights and a kernel of at most 31 per axis, `output-padding` and
    `border-rows` a constant bias. Only 2-D Convs with static shapes are looked at. 1-D Convs are not
    affected: the toolkit runs them along the width, with one row. Nor is `auto_pad`: it never pads
    beyond the kernel.

    ## Evidence

    The example on rk3588 fails with toolkit 2.2.0, 2.3.2 and 2.5.0, with any width tried (512, 1198,
    1200). The same model converts for rk3576, rk3566, rk3568, rk3562, rv1126b and rk2118. On rk3576 9 of 9 Convs whose
    output rows are all padding overflow a register, and 143 of 610 that are held in several bands and padded by up to
    30 rows: 132 of these are foreseen, with one false alarm. Groups, unless depth-wise, are left out: 2 of some 60
    failed. On rk3562 and rk3566 they convert. First reported in https://github.com/airockchip/rknn-toolkit2/issues/86.

    The cuts were found on 3,025 Convs drawn around such paddings (up to 30 rows, or banded, or depth-wise; rk3588): all
    died or converted as said here, and for the number of cores said here. Of 400 large ones 392 did, the others are cut
    into narrow tiles or taken apart along their channels. Of 750 random layers with padding beyond the kernel that were
    drawn after that 37 died: 35 of them were foreseen, with one false alarm. What the compiler takes apart along the
    input channels (see RKM123 for what is cut along the width) is looked at part by part since then: of 120 such layers
    117 did as said here, and of 1,400 whose kernel groups take 5 to 11 of the 12 banks 1,379. Of kernels that are cut
    along the width 40 of 40 did, with a pad over 15 as without. Missed are layers that end in SIGSEGV: padded beyond
    the kernel at the top and the bottom, 3 rows, with strides over 5 along a row that is longer than the buffer takes.

    `rkmend explain` finds the piece of nothing but padding to decide: of 48 fresh Convs between 1x1x2x1 and the
    example, at least 46 did as it says, in five runs.

    Runs of the example that failed, 2.3.2, fp16, by where the Conv is padded beyond its kernel:

        all sides                                  every run
        all sides, single_core_mode                2 of 8
        top, left, right                           4 of 15
        top                                        0 of 12
        left, right                                0 of 12
        nowhere                                    0 of 15
        nowhere (embedded in 3x3, pads 2)          0 of 9

    Cost of the mends by the compiler's table, in million cycles of one core and MB moved: `output-padding`
    14.5 and 228, `border-rows` 14.5 and 228, `kernel-embedding` 132.7 and 152, `single-core` 14.7 and 152
    with two cores idle. All four converted in 2 of 2 runs on 2.3.2 and in the one run on 2.2.0 and 2.5.0,
    without a CPU operator; 2.5.0 splits the embedded kernel into three Convs.
    """

    code = "RKM101"
    name = "padding-beyond-kernel"
    operators = frozenset({"Conv"})

    def find(self, model: ir.Model, target: Target) -> Iterator[Finding]:
        """Every Conv of the main graph padded at the top or the bottom beyond its dilated kernel."""
        if target.name not in AFFECTED:
            return
        for conv in convs_of(model):
            if conv.geometry.rows.beyond and (target.cores > 2 or _dies(conv.geometry, target)):
                yield self._finding(conv, target)

    def level_of(self, finding: Finding, target: Target) -> Level:
        """An error where a piece is left with nothing but padding by the tiling model."""
        return Level.ERROR if finding.facts["empty_piece"] else Level.WARNING

    def recognises(self, verdict: Verdict) -> bool:
        """The compiler ended after `Failed to config layer`, not for want of buffer space, or filled a register."""
        text = f"{verdict.signature}\n{verdict.message}"
        if verdict.outcome is Outcome.UNSOUND:
            return OVERFLOW in text
        return (
            verdict.outcome is Outcome.ABORTED
            and "Failed to config layer" in text
            and "buffer overflow" not in text
        )

    def mends(self, model: ir.Model, target: Target, finding: Finding) -> Sequence[Mend]:
        """Graph rewrites that keep all cores, then the build option that gives up all but one."""
        (node,) = finding.nodes
        conv = ConvNode.named(model, node)
        rows, cols = conv.geometry.rows, conv.geometry.cols
        if (rows.live, cols.live) == (rows.outputs, cols.outputs):
            return [_rewrite(node, trim_padding, Exactness.EXACT), _one_core(target)]
        return [
            _rewrite(node, output_padding, Exactness.EXACT if conv.bias is None else Exactness.ROUNDING),
            _rewrite(node, border_rows, Exactness.EXACT),
            _rewrite(node, kernel_embedding, Exactness.EXACT),
            _one_core(target),
        ]

    def _finding(self, conv: ConvNode, target: Target) -> Finding:
        geometry, rows = conv.geometry, conv.geometry.rows
        node = conv.node.name or ""
        return Finding(
            code=self.code,
            name=self.name,
            nodes=(node,),
            facts={
                "height": geometry.height,
                "width": geometry.width,
                "channels": geometry.channels,
                "out_channels": geometry.out_channels,
                "groups": geometry.groups,
                "kernel_h": rows.kernel,
                "stride_h": rows.stride,
                "dilation_h": rows.dilation,
                "dilated_kernel_h": rows.extent,
                "pad_top": rows.pad_begin,
                "pad_bottom": rows.pad_end,
                "output_rows": rows.outputs,
                "dead_rows_top": rows.dead_begin,
                "dead_rows_bottom": rows.dead_end,
                "empty_piece": _dies(geometry, target),
            },
            message=f"Conv '{node}' is padded by {rows.pad_begin} at the top and {rows.pad_end} at the bottom, more "
            f"than its dilated kernel height minus 1, which is {rows.extent - 1}: {rows.outputs - rows.live} of "
            f"{rows.outputs} output rows see padding only.",
        )


def _dies(geometry: ConvGeometry, target: Target) -> bool:
    """Whether a piece of what the toolkit makes of the Conv is nothing but padding.

    A pad over 15 becomes a Pad, which leaves none for the Conv; so do rows under a kernel that is cut along the height.
    For one that is cut along the width only the columns are padded beforehand, in any case.
    """
    shape = with_short_strides(geometry)
    if shape.stride_h > MAX_STRIDE:
        return False
    if target.cores < 3 and shape.rows.outputs <= max(shape.rows.dead_begin, shape.rows.dead_end):
        return True
    rows, cols = (_longest_part(axis) for axis in (shape.rows, shape.cols))
    left_to_it = [shape.rows] if cols < shape.kernel_w else [shape.rows, shape.cols]
    if rows < shape.kernel_h or any(max(axis.pad_begin, axis.pad_end) > MAX_PAD for axis in left_to_it):
        return False
    element = widest_element(target)
    if target.cores < 3:
        return (shape.groups == 1 or is_depthwise(shape)) and starves_between(shape, element, target)
    parts = channel_parts(replace(as_computed(shape, element, target), kernel_w=cols), element, target)
    return any(starves(part, element, target) for part in parts)


def _longest_part(axis: Axis) -> int:
    """Of a kernel that the toolkit cuts unless it is dilated."""
    return axis.kernel if axis.dilation > 1 else min(axis.kernel, LONGEST_PART)


Build = Callable[[ConvNode, Replacement], "ir.Value"]
SUMMARIES: dict[Build, str] = {
    output_padding: "Computes only the outputs that see the input, pads them with zeros, then adds the bias.",
    border_rows: "Computes only the outputs that see the input and joins the others to them as constants.",
    kernel_embedding: "Puts zeros round the kernel until the padding stays within it.",
    trim_padding: "Leaves out the padding that the stride never reaches.",
}


def _rewrite(node: str, build: Build, exactness: Exactness) -> Mend:
    """A Mend that puts what `build` makes in the place of the Conv; it bears the name of `build`."""
    name = build.__name__.replace("_", "-")

    def rewrite(model: ir.Model) -> None:
        conv = ConvNode.named(model, node)
        new = Replacement(conv.node, code=PaddingBeyondKernel.code, mend=name)
        new.finish(build(conv, new))

    return Mend(name=name, summary=SUMMARIES[build], exactness=exactness, rewrite=rewrite)


def _one_core(target: Target) -> Mend:
    def options(old: BuildOptions) -> BuildOptions:
        return msgspec.structs.replace(old, single_core_mode=True)

    return Mend(
        name="single-core",
        summary=f"Leaves the graph as it is and builds for one of {target.cores} cores.",
        exactness=Exactness.EXACT,
        options=options,
    )
