"""RKM118: a padded MaxPool over the whole map whose window does not fit into the pooling registers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rkmend.rules.base import Exactness, Fact, Level
from rkmend.rules.conv.max_pool_place import MAX_WINDOW, Place, place_of
from rkmend.rules.conv.pool_steps import pooled_in_steps
from rkmend.rules.conv.sliding import Sliding
from rkmend.rules.operator import OperatorRule
from rkmend.rules.replacement import Replacement
from rkmend.targets import Target

if TYPE_CHECKING:
    import onnx_ir as ir


class WholeMapPool(OperatorRule):
    """A padded MaxPool with a window as large as the map, too large for the pooling registers.

    ## What happens

    The build says it succeeded, but the compiler has written a number into a register that is too narrow for it, so the
    layer fails on the board or computes something else:

        E RKNN: REGTASK: The bit width of field value exceeds the limit, target: v2, offset: 0x6034, shift = 8,
        limit: 0xf, value: 0x14

    ## Why

    The toolkit takes a window that reaches over the whole map for a global pooling, which one pooling does however
    large it is, and does so with padding as well. But then it is a window like any other, for which the NPU has 4 bits
    (RK3588; RK3576 and RK3562: 3 bits), and 3 bits for the padding.

    ## Example

    `MaxPool` 21x21, pads 10, strides 4, on 1x7x21x21: the spatial pyramid of a detector whose input is small.

    ## What rkmend does

    * `windows-of-8`: pools in steps with windows of at most 8; the last step takes the stride.

    ## Exactness and its limits

    `exact`: the largest element of a window is the largest of those of its parts. Indices are refused.

    ## Evidence

    Own trials with toolkit 2.3.2: all 22 of 200 random MaxPools on rk3588 for which it holds, and none but those; 8 of
    160 on rk3576 and rk3562. A square window with equal padding that moves by 1 along the height is made of small ones
    and converts. RK3566 leaves such a pooling to the CPU.
    """

    code = "RKM118"
    name = "whole-map-pool"
    level = Level.ERROR
    operators = frozenset({"MaxPool"})
    mend = "windows-of-8"
    summary = "Pools in steps with windows of at most 8."
    exactness = Exactness.EXACT

    def holds(self, node: ir.Node, target: Target) -> Mapping[str, Fact] | None:
        """Where the window or its padding overflows, and no other rule says that it is wrong anyway."""
        pool = Sliding.read(node)
        if pool is None or len(pool.axes) != 2 or any(axis.dilation > 1 for axis in pool.axes):
            return None
        if place_of(node, pool, target) is not Place.OVERFLOW:
            return None
        return {
            "kernel": "x".join(str(axis.kernel) for axis in pool.axes),
            "pad": max(max(axis.pad_begin, axis.pad_end) for axis in pool.axes),
            "map": "x".join(str(axis.size) for axis in pool.axes),
        }

    def rewrite(self, node: ir.Node, new: Replacement) -> Sequence[ir.Value | None]:
        """Smaller MaxPools, one after the other."""
        return pooled_in_steps(node, new, MAX_WINDOW)
