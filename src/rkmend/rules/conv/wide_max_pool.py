"""RKM104: a MaxPool with a window wider than the map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rkmend.rules.base import Exactness, Fact, Level
from rkmend.rules.conv.max_pool_place import MAX_WINDOW
from rkmend.rules.conv.pool_steps import pooled_in_steps
from rkmend.rules.conv.sliding import Sliding
from rkmend.rules.operator import OperatorRule
from rkmend.rules.replacement import Replacement
from rkmend.targets import Target
from rkmend.tiling.conv import Axis

if TYPE_CHECKING:
    import onnx_ir as ir


class WindowWiderThanMap(OperatorRule):
    """A MaxPool whose kernel is larger than the map that it slides over.

    ## What happens

    The model converts without a word. The simulator's output differs from ONNX Runtime's (cosine 0.98 to 0.99):
    windows at the border give the largest element of the whole map.

    ## Why

    The toolkit takes a window that is larger than the map for one that sees all of it. With padding it does not: at
    the border it ends within the map.

    ## Example

    `MaxPool` 9x9, pads 4, on 1x128x7x7: the spatial pyramid of a detector whose input is small.

    ## What rkmend does

    * `smaller-windows`: pools in steps with windows that fit into the map and that the NPU does at once (up to 8); the
      last step takes the stride. A window of 9 is one of 5 after one of 5. The toolkit cuts larger windows itself, and
      raises an exception where two of them follow each other (`already in self.nodes`, rule `tiling_maxpool`).

    ## Exactness and its limits

    `exact`: the largest element of a window is the largest of those of its parts. Indices are refused, and dilated
    windows are left alone: they run on the CPU, rightly.

    ## Evidence

    Toolkit 2.3.2, rk3588, fp16: 9x9 on 7x7 and 8x8, 7x7 on 5x5, 13x13 on 12x12 come out wrong; 9x9 on 9x9 and 20x20,
    and 13x13 on 7x7 (where each window does see all) right. 16 windows with an input that slopes, fp16 and int8: all
    wrong as said here; random inputs of few channels may hide it, where all windows see the largest element. Toolkit
    2.5.0 fails alike.
    """

    code = "RKM104"
    name = "window-wider-than-map"
    level = Level.ERROR
    operators = frozenset({"MaxPool"})
    mend = "smaller-windows"
    summary = "Pools in steps with windows that fit into the map."
    exactness = Exactness.EXACT

    def holds(self, node: ir.Node, target: Target) -> Mapping[str, Fact] | None:
        """Where the kernel is larger than the map, and some window does not see all of it."""
        pool = Sliding.read(node)
        if pool is None or len(pool.axes) > 2 or any(axis.dilation > 1 for axis in pool.axes):
            return None
        if not any(_partly(axis) for axis in pool.reaching()):
            return None
        return {
            "kernel": "x".join(str(axis.kernel) for axis in pool.axes),
            "map": "x".join(str(axis.size) for axis in pool.axes),
        }

    def rewrite(self, node: ir.Node, new: Replacement) -> Sequence[ir.Value | None]:
        """Smaller MaxPools, one after the other."""
        return pooled_in_steps(node, new, MAX_WINDOW)


def _partly(axis: Axis) -> bool:
    """Whether the window is larger than the map and yet does not see all of it everywhere."""
    last = (axis.outputs - 1) * axis.stride - axis.pad_begin
    return axis.kernel > axis.size and (axis.pad_begin > axis.kernel - axis.size or last > 0)
