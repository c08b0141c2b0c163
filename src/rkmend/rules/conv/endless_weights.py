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

if TYPE_CHECKING:
    import onnx_ir as ir

AFFECTED = ("rk3576",)
ATOM = 8
"""Channels of fp16 that are stored together."""
KERNEL_GROUP = 16
"""Outputs whose weights are in the buffer at once; a ConvTranspose of fewer converts."""
MOST_TAPS, MOST_TAPS_OF_MORE = 672, 768
"""Of up to 8 channels 650 taps convert and 676 do not; of more 676 do and 841 do not."""
MOST_OF_OUTPUTS = ((32, 588), (16, 637))
"""Of a ConvTranspose with more outputs than these: 576 taps convert and 600 do not; 625 do and 650 do not."""


class EndlessWeights(OperatorRule):
    """A Conv or ConvTranspose with a kernel of more than 588 to 768 taps, on RK3576.

    ## What happens

    `build` never ends:

        W RKNN: min_weight_banks > 3 && m_Target == RKNNTarget::RKNPU_F2, do conv with ChannelTile

    ## Why

    The weights of one kernel group have three banks of the buffer. Where they take more the compiler divides the
    channels; of eight or fewer there is nothing to divide. It cuts kernels of a Conv over 16 into parts before that,
    unless they are dilated, and never those of a ConvTranspose.

    ## Example

    `ConvTranspose` 26x26 of 5 channels; `Conv` 31x31 of one channel with a dilation of 2.

    ## What rkmend does

    * `smaller-kernels`: a Conv as the sum of four with a quarter of the taps; a ConvTranspose as a Conv, which the
      toolkit cuts into parts.

    ## Exactness and its limits

    `rounding`: the same products, summed in another order. Weights have to be constant. Without groups, in fp16.

    ## Evidence

    Toolkit 2.3.2, rk3576, fp16, own trials: of 1 to 8 channels 26x26, 29x29 and 31x31 never end (9 of 9), 25x26 and
    less do; of 9 channels 29x29 does not, of 12, 16 and 32 channels 26x26 does. A ConvTranspose of 3
    to 12 outputs converts (9 of 9, 26x26 to 31x31). Of 17 to 32 outputs 25x25 converts and 25x26 does not, of 33 to
    256 outputs 24x24 converts and 24x25 does not (38 trials), of 1 to 32 channels.
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
        if (
            target.name not in AFFECTED
            or "fp16" not in target.dtypes
            or node.attributes.get_int("group", 1) > 1
        ):
            return None
        shape, kernel = static_shape(node.inputs[0]), kernel_of(node)
        if shape is None or kernel is None or len(kernel) != 2:
            return None
        dilated = max(node.attributes.get_ints("dilations", ()) or (1,)) > 1
        if not is_constant(node.inputs[1]) or (node.op_type == "Conv" and not dilated):
            return None
        taps, channels = kernel[0] * kernel[1], shape[1]
        most = MOST_TAPS if channels <= ATOM else MOST_TAPS_OF_MORE
        if node.op_type == "ConvTranspose":
            outputs = (static_shape(node.outputs[0]) or shape)[1]
            if outputs < KERNEL_GROUP:
                return None
            most = next((taps for few, taps in MOST_OF_OUTPUTS if outputs > few), most)
        if taps <= most:
            return None
        return {"kernel": f"{kernel[0]}x{kernel[1]}", "taps": taps, "channels": channels}

    def rewrite(self, node: ir.Node, new: Replacement) -> Sequence[ir.Value | None]:
        """The parts and their sum, or the phases of a ConvTranspose."""
        if node.op_type == "Conv":
            return [by_taps(node, new, (2, 2))]
        conv = TransposedConv.read(node)
        assert conv is not None
        return [by_phases(conv, new)]
