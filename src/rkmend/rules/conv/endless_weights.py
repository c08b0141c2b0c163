"""RKM121: a kernel with so many taps that the compiler for RK3576 divides its channels for ever."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rkmend.graph.values import static_shape
from rkmend.rules.base import Exactness, Fact, Level
from rkmend.rules.conv.phases import by_phases
from rkmend.rules.conv.sliding import kernel_of
from rkmend.rules.conv.taps import by_taps
from rkmend.rules.conv.transposed import TransposedConv
from rkmend.rules.operands import is_constant
from rkmend.rules.operator import OperatorRule
from rkmend.rules.replacement import Replacement
from rkmend.targets import Target
from rkmend.tiling.bands import buffer_of, kernel_group

if TYPE_CHECKING:
    import onnx_ir as ir

AFFECTED = ("rk3576",)
PIXEL = 16
"""Bytes of a tap of the fewest channels that are computed together."""
USUAL = 2
"""Banks that the weights of a kernel group may take, and a part of one more."""
ATOM, HALF = 16, 8
"""Channels of int8 that are stored together, and what the compiler divides them into."""


class EndlessWeights(OperatorRule):
    """A Conv or ConvTranspose with a kernel of more than 512 to 768 taps, on RK3576; in int8 256 to 384.

    ## What happens

    `build` never ends:

        W RKNN: min_weight_banks > 3 && m_Target == RKNNTarget::RKNPU_F2, do conv with ChannelTile

    In int8 it ends with the same warning and then `failed to malloc cpu memory`, SIGSEGV or SIGFPE.

    ## Why

    The weights of a kernel group have two banks of the buffer, and those of n groups one more between them: beside that
    the compiler divides the channels. Of the eight that are computed together there is nothing to divide, and in int8
    of the last 16 only where there are more than eight. It cuts kernels of a Conv over 16 into parts before that,
    unless they are dilated, and never those of a ConvTranspose.

    ## Example

    `ConvTranspose` 28x28 with 16 outputs, 25x25 with 48; `Conv` 31x31 with a dilation of 2; in int8 18x18 of 3 channels
    with 64 outputs.

    ## What rkmend does

    * `smaller-kernels`: a Conv as the sum of four with a quarter of the taps; a ConvTranspose as a Conv, which the
      toolkit cuts into parts.

    ## Exactness and its limits

    `rounding`: the same products, summed in another order. Weights have to be constant.

    ## Evidence

    Toolkit 2.3.2, rk3576, own trials of Conv with a dilation of 2 and of ConvTranspose, of 1 to 48 channels. A tap of
    16 outputs is 256 bytes, a bank has 65,536. Taps that convert and that never end, fp16, by outputs: 12 or 13, 961;
    15, 784 and 841; 16, 756 and 784; 32, 625 and 650; 33, 594 and 600; 48, 576 and 600; 64, 576 and 580; 128, 529 and
    552; 256, 528 and 529: 512 + 256 / groups of 16. Beyond that 576 taps convert with 128 and 256 outputs, which are 9
    banks for 4 groups, while 540, 552, 560, 624, 672 and 720 do not. Groups do not matter for a Conv, a depth-wise one
    converts; a ConvTranspose is computed group by group. In int8 the same kernels never end (15 of 15), and of 1 to 8
    channels those die that have, by groups of 32 outputs, 400, 324, 306 and, of 8 groups, 286 and 306 taps; 380, 306,
    288 and 256 convert, and beyond that 288, 320 and 384, but not 352 and 416. A ConvTranspose dies as well where 1, 2,
    8 or more of the last 16 channels are left (17, 18, 24, 33, 40), and converts where 9 or 16 are.
    """

    code = "RKM121"
    name = "endless-weights"
    level = Level.ERROR
    operators = frozenset({"Conv", "ConvTranspose"})
    mend = "smaller-kernels"
    summary = "Computes the kernel in parts."
    exactness = Exactness.ROUNDING

    def holds(self, node: ir.Node, target: Target) -> Mapping[str, Fact] | None:
        """Where a kernel that is not cut has too many taps."""
        shape, kernel = static_shape(node.inputs[0]), kernel_of(node)
        weight = static_shape(node.inputs[1])
        if target.name not in AFFECTED or shape is None or kernel is None or weight is None:
            return None
        groups, dilated = node.attributes.get_int("group", 1), node.attributes.get_ints("dilations", ())
        if len(kernel) != 2 or not is_constant(node.inputs[1]):
            return None
        channels, taps, transposed = shape[1], kernel[0] * kernel[1], node.op_type == "ConvTranspose"
        outputs = weight[1] if transposed else weight[0]
        if transposed:
            channels //= groups
        elif max(dilated or (1,)) == 1 or 1 < groups == channels == outputs:
            return None
        fails = not _fits(taps, outputs, kernel_group(2, target), target)
        if not fails and target.only_int8:
            last = (channels - 1) % ATOM + 1 if transposed else channels
            fails = last <= HALF and not _fits(taps, outputs, kernel_group(1, target), target)
        return {"kernel": f"{kernel[0]}x{kernel[1]}", "taps": taps, "outputs": outputs} if fails else None

    def rewrite(self, node: ir.Node, new: Replacement) -> Sequence[ir.Value | None]:
        """The parts and their sum, or the phases of a ConvTranspose."""
        if node.op_type == "Conv":
            return [by_taps(node, new, (2, 2))]
        conv = TransposedConv.read(node)
        assert conv is not None
        return [by_phases(conv, new)]


def _fits(taps: int, outputs: int, group: int, target: Target) -> bool:
    """Whether so many taps leave each kernel group its two banks, and all of them, or some, one more between them."""
    bank, count = buffer_of(target).bank_bytes, -(-outputs // group)
    over = taps * PIXEL * min(outputs, group) - USUAL * bank
    return over * count <= bank or bank % over == 0
