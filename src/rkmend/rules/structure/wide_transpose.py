"""RKM258: a Transpose that turns maps which are too wide for the NPU."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rkmend.graph.values import static_shape
from rkmend.rules.base import CannotApply, Exactness, Fact, Finding, Level
from rkmend.rules.operands import known_shape
from rkmend.rules.operator import OperatorRule
from rkmend.rules.replacement import Replacement
from rkmend.targets import Target

if TYPE_CHECKING:
    import onnx_ir as ir

ORDERS = ([0, 1, 3, 2], [3, 0, 1, 2], [3, 0, 2, 1])
"""Those that fail, of the 23 that move something."""
WIDTH = 1024
"""8192 / 8: what a register holds by the number of fp16 elements that are stored together."""
MOST = 8192
"""Height times width that the compiler does not leave to the CPU, by its own message."""
WIDTH_FIRST = [0, 3, 2, 1]


class WideTranspose(OperatorRule):
    """A Transpose that turns maps of more than 1024 columns, or large ones of two to four channels.

    ## What happens

    The build says it succeeded, but the compiler has written a number into a register that is too narrow for it, so the
    layer fails on the board or computes something else:

        W RKNN: Transpose will fallback to CPU, because input shape has exceeded the max limit, height(256) *
        width(2560) = 655360, required product no larger than 8192!
        E RKNN: REGTASK: The bit width of field value exceeds the limit, target: v2, offset: 0x5014, shift = 0,
        limit: 0x1fff, value: 0x4fff

    ## Why

    Each order of the axes has its own way on the NPU with its own limits; here the width times 8 has 13 bits (register
    0x5014). Two to four channels go another way, with another limit (0x5048).

    ## Example

    `Transpose` 0 1 3 2 of 1x1x256x2560, of 1x8x16x2048, of 1x4x256x512.

    ## What rkmend does

    * `two-steps`: puts the columns in the place of the channels, and then everything where it belongs. A depthwise
      1x1 Conv with weights of 1 stands between the two: the toolkit would take two Transposes together, and draws them
      past everything else (Reshape, Clip, Split and Concat).

    ## Exactness and its limits

    Exact for finite numbers: they are multiplied by 1. Floating point only.

    ## Evidence

    Toolkit 2.3.2, rk3588, fp16: of the orders of 1x1x256x2560 three overflow (0132, 3012, 3021), 20 convert.
    1x1x700x1024 converts, 1x1x7x1032 overflows; so do 2 to 64 channels and 4 batches of
    16x2048. Mended, all of them convert, with none or one of the steps on the CPU. Matrices and batches of matrices
    of two or three axes convert in all sizes that were tried.
    """

    code = "RKM258"
    name = "transpose-too-wide"
    operators = frozenset({"Transpose"})
    mend = "two-steps"
    summary = "Transposes in two steps, with a convolution by 1 between them."
    exactness = Exactness.EXACT

    def holds(self, node: ir.Node, target: Target) -> Mapping[str, Fact] | None:
        """One of three orders of four axes, and the map is too wide."""
        shape = static_shape(node.inputs[0])
        if shape is None or _order(node) not in ORDERS:
            return None
        _batch, channels, height, width = shape
        too_large = 1 < channels <= 4 and height * width > MOST
        if width <= WIDTH and not too_large:
            return None
        return {"height": height, "width": width, "order": "".join(map(str, _order(node)))}

    def level_of(self, finding: Finding, target: Target) -> Level:
        """An error in the order that fails in every size tried on rk3588; of the others some convert."""
        certain = finding.facts["order"] == "0132" and target.name == "rk3588"
        return Level.ERROR if certain else Level.WARNING

    def rewrite(self, node: ir.Node, new: Replacement) -> Sequence[ir.Value | None]:
        """Transpose, Conv, Transpose."""
        import numpy as np

        data = node.inputs[0]
        if data is None or data.dtype is None or data.dtype.name not in ("FLOAT", "FLOAT16"):
            raise CannotApply("a convolution has to be of floating point")
        width = known_shape(data)[3]
        turned = new.node("columns", "Transpose", [data], {"perm": WIDTH_FIRST})
        ones = new.constant("ones", np.ones([width, 1, 1, 1], data.dtype.numpy()))
        kept = new.node("kept", "Conv", [turned, ones], {"group": width, "kernel_shape": [1, 1]})
        rest = [WIDTH_FIRST.index(axis) for axis in _order(node)]
        return [new.node("rest", "Transpose", [kept], {"perm": rest})]


def _order(node: ir.Node) -> list[int]:
    return list(node.attributes.get_ints("perm", ()))
