"""RKM106: a ConvTranspose whose kernel reaches further than the NPU can pad."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rkmend.rules.base import Fact, Level
from rkmend.rules.conv.limits import MAX_KERNEL, MAX_PAD
from rkmend.rules.conv.phase_rule import PhaseRule
from rkmend.rules.conv.transposed import Spread, TransposedConv
from rkmend.rules.operands import is_constant
from rkmend.targets import Target

if TYPE_CHECKING:
    import onnx_ir as ir

FAR = ("rk3576", "rk3562")
"""Targets that pad by more than 15."""


class TransposedKernel(PhaseRule):
    """A ConvTranspose whose kernel is more than 16 larger than its padding, or larger than 31.

    ## What happens

    The build says it succeeded, but the compiler has written a number into a register that is too narrow for it, so the
    layer fails on the board or computes something else:

        E RKNN: REGTASK: The bit width of field value exceeds the limit, target: v2, offset: 0x1068, shift = 0,
        limit: 0xf, value: 0x1e

    With dilations some never end.

    ## Why

    The NPU computes it as a Conv on the padded input, with kernel - 1 - pad of padding, which has 4 bits. The kernel
    itself has 5 bits (offset 0x1038).

    ## Example

    `ConvTranspose` 31x31 without padding: 30 of padding where 15 fit.

    ## What rkmend does

    * `phases`: computes the outputs that lie one stride apart by the taps that reach them, all phases in one Conv, and
      interleaves them by Concats. Of stride 1 it is the Conv with the kernel turned round.
    * `phases-by-transpose`: interleaves them by a Transpose, where the Concats overflow a register.

    ## Exactness and its limits

    `rounding`: the same products, in another order. Weights have to be constant.

    ## Evidence

    Toolkit 2.3.2, rk3588, fp16: kernels of 17 to 40 without padding overflow, 31 with pads of 15 and 17 with pads of 1
    convert, whatever the dilation; 36 with pads of 20 to 23 overflows. On rk3576 kernels of 18,
    22 and 29 without padding convert; on rk3562 those of 18 to 30 do (6 of 6, and 36 of 42 depth-wise ones of 80 to 390
    channels; the others die with padding as well, see RKM122). Toolkit 2.5.0 fails alike.
    """

    code = "RKM106"
    name = "transposed-kernel-too-large"
    level = Level.ERROR

    def holds(self, node: ir.Node, target: Target) -> Mapping[str, Fact] | None:
        """One or two spatial axes, and more implicit padding than fits."""
        conv = TransposedConv.read(node)
        if conv is None or len(conv.axes) > 2 or not is_constant(node.inputs[1]):
            return None
        if conv.is_stuffed(target):
            return None
        far = [axis for axis in conv.axes if _reaches(axis, target)]
        return {"kernel": far[0].kernel, "pad": far[0].pad_begin, "stride": far[0].stride} if far else None


def _reaches(axis: Spread, target: Target) -> bool:
    too_far = axis.kernel - 1 - axis.pad_begin > MAX_PAD and target.name not in FAR
    return too_far or axis.kernel > MAX_KERNEL
