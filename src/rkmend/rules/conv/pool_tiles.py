"""RKM120: a pooling in steps of one, which the compiler for RK3576 cuts into tiles that are too wide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rkmend.rules.base import CannotApply, Exactness, Fact, Level
from rkmend.rules.conv.max_pool_place import MAX_WINDOW
from rkmend.rules.conv.pool_steps import pooled_in_steps
from rkmend.rules.conv.pooling import counts_padding
from rkmend.rules.conv.sliding import Sliding
from rkmend.rules.operator import OperatorRule
from rkmend.rules.replacement import Replacement
from rkmend.targets import Target

if TYPE_CHECKING:
    import onnx_ir as ir

AFFECTED = ("rk3576",)
ROW = 128
"""Elements of a tile: its outputs times the height of the window, in powers of two."""
STEP = 3
"""Window of the poolings that a larger one is made of."""


class PoolTiles(OperatorRule):
    """A pooling that moves by one over a wide map, on RK3576.

    ## What happens

    `build` ends its process:

        E RKNN: Pool tile_out_w > max_output_w, exit

    ## Why

    Wide maps are pooled in tiles: of as many outputs as a power of two that times the height of the window is 128 at
    most. Neighbours overlap by the width of the window minus 1, and the compiler takes it from the last tile; if less
    is left there than all tiles but two overlap, it makes a tile wider than it may be.

    ## Example

    `MaxPool` 7x7 on 1x64x123x123, 2x2 on 130 columns; in int8 `AveragePool` 6x6 on 1x13x224x224.

    ## What rkmend does

    * `lower-windows`: a MaxPool in steps with windows of at most 4, or of 2 where it has no more than 4. An AveragePool
      is refused.

    ## Exactness and its limits

    `exact`: the largest element of a window is the largest of those of its parts. Padded on both sides of a row, or
    with a longer stride, such poolings convert. A square MaxPool of 8 and more is taken for one of 3x3, of which it is
    made.

    ## Evidence

    Toolkit 2.3.2, rk3576, own trials: 3x3 on 100 to 399 columns, 6x6 on 30 to 129, 2x2 to 8x8 on 60 to 320, nine other
    windows on 8 to 56, 8x8, 9x9 and 11x11 on four widths each, in int8 as well: all 630 as said here. AveragePools in
    fp16 are Convs and convert. rk3562, rk3566 and rk3588 convert them all.
    """

    code = "RKM120"
    name = "pool-tile-too-wide"
    level = Level.ERROR
    operators = frozenset({"MaxPool", "AveragePool"})
    mend = "lower-windows"
    summary = "Pools in steps with smaller windows."
    exactness = Exactness.EXACT

    def holds(self, node: ir.Node, target: Target) -> Mapping[str, Fact] | None:
        """Where too little is left for the last tile."""
        if target.name not in AFFECTED:
            return None
        if node.op_type == "AveragePool" and target.dtypes != ("int8",):
            return None
        pool = Sliding.read(node)
        if pool is None or len(pool.axes) != 2 or any(axis.stride * axis.dilation > 1 for axis in pool.axes):
            return None
        rows, cols = pool.axes
        padded = any(axis.pad_begin or axis.pad_end for axis in pool.axes)
        on_cpu = node.op_type == "AveragePool" and padded and not counts_padding(node)
        if on_cpu or (cols.pad_begin and cols.pad_end):
            return None
        high, wide = rows.kernel, cols.kernel
        if max(high, wide) >= MAX_WINDOW:
            if high != wide or padded or node.op_type != "MaxPool" or wide >= min(rows.size, cols.size):
                return None
            high = wide = STEP
        outputs = cols.size + cols.pad_begin + cols.pad_end - wide + 1
        if not _overflows(outputs, high, wide):
            return None
        return {"kernel": f"{rows.kernel}x{cols.kernel}", "width": cols.size}

    def rewrite(self, node: ir.Node, new: Replacement) -> Sequence[ir.Value | None]:
        """Smaller MaxPools, one after the other."""
        pool = Sliding.read(node)
        assert pool is not None
        kernel = max(axis.kernel for axis in pool.axes)
        if node.op_type != "MaxPool" or kernel <= 2:
            raise CannotApply(
                "a mean is no mean of means" if kernel > 2 else "its window has no smaller ones"
            )
        return pooled_in_steps(node, new, 4 if kernel > 4 else 2)


def _overflows(outputs: int, high: int, wide: int) -> bool:
    """Whether the last of the tiles of a row of so many outputs has no more than the overlaps of all but two."""
    tile = 1 << ((ROW // high).bit_length() - 1)
    tiles = -(-outputs // tile)
    return outputs - tile * (tiles - 1) <= (wide - 1) * (tiles - 2)
