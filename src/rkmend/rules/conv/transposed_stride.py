"""RKM115: a ConvTranspose with a stride that does not fit into the NPU's register."""

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

MOST = {"rk3576": 8, "rk3562": 8}
"""Strides that are left to the NPU however long; on rk3588 and rk3566 the toolkit spreads the input on the CPU."""


class TransposedStride(PhaseRule):
    """A ConvTranspose with a stride over 8, on a target whose toolkit leaves any stride to the NPU.

    ## What happens

    The build says it succeeded, but the compiler has written a number into a register that is too narrow for it, so the
    layer fails on the board or computes something else:

        E RKNN: REGTASK: The bit width of field value exceeds the limit, target: f2, offset: 0x1014, shift = 8,
        limit: 0x7, value: 0xc

    ## Why

    The stride minus 1 has 3 bits.

    ## Example

    `ConvTranspose` 34x2 with strides 12 and 2.

    ## What rkmend does

    * `phases`: computes the outputs that lie one stride apart by the taps that reach them, all phases in one Conv, and
      interleaves them by Concats.
    * `phases-by-transpose`: interleaves them by a Transpose, where the Concats overflow a register.

    ## Exactness and its limits

    `rounding`: the same products, in another order. Weights have to be constant.

    ## Evidence

    Own trials of random layers with toolkit 2.3.2: strides 12 and 13 overflow on rk3576, 12 on rk3562; the same layers
    convert on rk3588 and rk3566.
    """

    code = "RKM115"
    name = "transposed-stride-too-long"
    level = Level.ERROR

    def holds(self, node: ir.Node, target: Target) -> Mapping[str, Fact] | None:
        """One or two spatial axes, and a stride over what the target has."""
        if target.name not in MOST:
            return None
        conv = TransposedConv.read(node)
        if conv is None or len(conv.axes) > 2 or not is_constant(node.inputs[1]):
            return None
        stride = max(axis.stride for axis in conv.axes)
        return {"stride": stride, "most": MOST[target.name]} if stride > MOST[target.name] else None
