"""RKM117: a dilated Conv with a kernel that does not fit into the NPU's register."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rkmend.rules.base import Exactness, Fact, Level
from rkmend.rules.conv.limits import MAX_KERNEL
from rkmend.rules.conv.sliding import Sliding
from rkmend.rules.conv.taps import by_taps
from rkmend.rules.operands import is_constant
from rkmend.rules.operator import OperatorRule
from rkmend.rules.replacement import Replacement
from rkmend.targets import Target

if TYPE_CHECKING:
    import onnx_ir as ir


class DilatedKernel(OperatorRule):
    """A dilated Conv with a kernel of more than 31 taps along one axis.

    ## What happens

    The build says it succeeded, but the compiler has written a number into a register that is too narrow for it, so the
    layer fails on the board or computes something else:

        E RKNN: REGTASK: The bit width of field value exceeds the limit, target: v2, offset: 0x1038, shift = 16,
        limit: 0x1f, value: 0x21

    ## Why

    The kernel has 5 bits. The toolkit cuts larger ones into parts, but not if they are dilated.

    ## Example

    `Conv` 33x33 with dilations of 3.

    ## What rkmend does

    * `tap-pieces`: cuts the kernel into parts of at most 31 taps, and adds up what they give.

    ## Exactness and its limits

    `rounding`: the same products, summed in another order. Weights have to be constant.

    ## Evidence

    Own trials with toolkit 2.3.2, rk3588, fp16: 33x33 with dilations of 3 overflows; without dilation 33 to 65 convert.
    """

    code = "RKM117"
    name = "dilated-kernel-too-large"
    level = Level.ERROR
    operators = frozenset({"Conv"})
    mend = "tap-pieces"
    summary = "Cuts the kernel into parts of at most 31 taps, and adds up what they give."
    exactness = Exactness.ROUNDING

    def holds(self, node: ir.Node, target: Target) -> Mapping[str, Fact] | None:
        """Where an axis has more than 31 taps and a dilation."""
        if max(node.attributes.get_ints("dilations", ()) or (1,)) == 1:
            return None
        conv = Sliding.read(node)
        if conv is None or len(conv.axes) > 2 or not is_constant(node.inputs[1]):
            return None
        far = [axis for axis in conv.axes if axis.kernel > MAX_KERNEL and axis.dilation > 1]
        return {"kernel": far[0].kernel, "dilation": far[0].dilation} if far else None

    def rewrite(self, node: ir.Node, new: Replacement) -> Sequence[ir.Value | None]:
        """A Conv for each part of the kernel, and their sum."""
        conv = Sliding.read(node)
        assert conv is not None
        return [by_taps(node, new, [-(-axis.kernel // MAX_KERNEL) for axis in conv.axes])]
