"""RKM115: a ConvTranspose with a stride or a dilation that does not fit into the NPU's register."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rkmend.rules.base import Fact, Level
from rkmend.rules.conv.phase_rule import PhaseRule
from rkmend.rules.conv.transposed import TransposedConv
from rkmend.rules.operands import is_constant
from rkmend.targets import Target

if TYPE_CHECKING:
    import onnx_ir as ir

MOST_STRIDE, MOST_DILATION = 8, 32


class TransposedStride(PhaseRule):
    """A ConvTranspose with a stride over 8 or a dilation over 32 that the toolkit leaves to the NPU.

    ## What happens

    The build says it succeeded, but the compiler has written a number into a register that is too narrow for it, so the
    layer fails on the board or computes something else:

        E RKNN: REGTASK: The bit width of field value exceeds the limit, target: f2, offset: 0x1014, shift = 8,
        limit: 0x7, value: 0xc

    ## Why

    The stride minus 1 has 3 bits, the dilation minus 1 has 5. On rk3588 and rk3566 the toolkit stuffs the input with
    zeros on the CPU for strides other than 1, 2, 4 and 8; on rk3588 not if there is a dilation.

    ## Example

    `ConvTranspose` 34x2 with strides 12 and 2; 3x3 with dilations of 33.

    ## What rkmend does

    * `phases`: computes the outputs that lie one stride apart by the taps that reach them, all phases in one Conv, and
      interleaves them by Concats.
    * `phases-by-transpose`: interleaves them by a Transpose, where the Concats overflow a register.

    ## Exactness and its limits

    `rounding`: the same products, in another order. Weights have to be constant.

    ## Evidence

    Own trials with toolkit 2.3.2: strides of 9 and more overflow on rk3576 and rk3562, along one axis or both (12 of
    12), and convert on rk3588 and rk3566. With dilations of 2 those of 9 and 10 overflow on rk3588 as well (5 of 5),
    those of 3, 7 and 8 convert; on rk3566 all convert. Dilations of 31 and 32 convert, 33 and 36 overflow on all four
    targets, whatever the kernel, even of one tap (9 of 9 on each); with a stride of 3 not on rk3566.
    """

    code = "RKM115"
    name = "transposed-stride-too-long"
    level = Level.ERROR

    def holds(self, node: ir.Node, target: Target) -> Mapping[str, Fact] | None:
        """One or two spatial axes, not stuffed, and a stride or a dilation over what there is."""
        conv = TransposedConv.read(node)
        if conv is None or len(conv.axes) > 2 or conv.is_stuffed(target) or not is_constant(node.inputs[1]):
            return None
        stride, dilation = max(axis.stride for axis in conv.axes), max(axis.dilation for axis in conv.axes)
        fits = stride <= MOST_STRIDE and dilation <= MOST_DILATION
        return None if fits else {"stride": stride, "dilation": dilation}
