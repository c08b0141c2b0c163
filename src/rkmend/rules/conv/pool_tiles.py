"""RKM120: a pooling that the compiler for RK3576 cuts into tiles that are too wide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rkmend.rules.base import CannotApply, Exactness, Fact, Level
from rkmend.rules.conv.max_pool_place import MAX_WINDOW, Place, is_in_steps, place_of
from rkmend.rules.conv.pool_as_done import pooled_axis, small_windows
from rkmend.rules.conv.pool_steps import in_steps, pooled_in_steps
from rkmend.rules.conv.pooling import counts_padding
from rkmend.rules.conv.sliding import Sliding
from rkmend.rules.operator import OperatorRule
from rkmend.rules.replacement import Replacement
from rkmend.targets import Target
from rkmend.tiling.conv import Axis

if TYPE_CHECKING:
    import onnx_ir as ir

AFFECTED = ("rk3576",)
ROW = 128
"""Elements of a tile: its outputs times the windows that an element of a column is in, in powers of two."""
LARGEST_STEP = 4
"""Window of the MaxPools of the mend."""


class PoolTiles(OperatorRule):
    """A pooling over a wide map with windows that overlap, on RK3576.

    ## What happens

    `build` ends its process:

        E RKNN: Pool tile_out_w > max_output_w, exit

    ## Why

    Wide maps are pooled in tiles: of as many outputs as a power of two that times the windows an element is in along
    the height (the height of the window by its stride) is 128 at most. The compiler counts how much of the row such a
    tile takes in, less the padding at either end, and by that how many tiles there are. Since neighbours take in the
    same columns twice, that may be one tile less than the outputs need, and then a tile is wider than it may be.

    ## Example

    `MaxPool` 7x7 on 1x64x123x123, 2x2 on 130 columns, 3x3 with strides 2 and 1 on 131 columns; in int8 `AveragePool`
    6x6 on 1x13x224x224.

    ## What rkmend does

    * `lower-windows`: a MaxPool in steps with windows of at most 4, 3 or 2, the largest that convert. An AveragePool is
      refused.

    ## Exactness and its limits

    `exact`: the largest element of a window is the largest of those of its parts.

    ## Evidence

    Toolkit 2.3.2, rk3576, own trials: 1138 poolings on 17 to 1500 columns with windows of 1 to 26, strides of 1 to
    9, padded and not, fp16 and int8, 391 of which fail: all but one, which converts, as said here. A square MaxPool
    of 8 and more that moves by 1 along the height is made of MaxPools of 3x3 and 4x4, any of which may fail.
    AveragePools in fp16, and in int8 with windows of 8 and more unless their padding does not count, are Convs and
    convert. rk3562, rk3566 and rk3588 convert them all.
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
        pool = Sliding.read(node)
        if pool is None or len(pool.axes) != 2 or any(axis.dilation > 1 for axis in pool.axes):
            return None
        if not any(_overflows(*axes) for axes in _poolings(node, pool, target)):
            return None
        rows, cols = pool.axes
        return {"kernel": f"{rows.kernel}x{cols.kernel}", "width": cols.size}

    def rewrite(self, node: ir.Node, new: Replacement) -> Sequence[ir.Value | None]:
        """Smaller MaxPools, one after the other."""
        pool = Sliding.read(node)
        assert pool is not None
        if node.op_type != "MaxPool":
            raise CannotApply("a mean is no mean of means")
        most = min(LARGEST_STEP, max(axis.kernel for axis in pool.axes) - 1)
        for size in range(most, 1, -1):
            if not any(_overflows(*axes) for axes in in_steps(pool, size)):
                return pooled_in_steps(node, new, size)
        raise CannotApply("smaller windows do not fit into the tiles either")


def _poolings(node: ir.Node, pool: Sliding, target: Target) -> Sequence[tuple[Axis, ...]]:
    """The axes of the poolings that the NPU does for this one."""
    if node.op_type == "AveragePool":
        padded = any(axis.pad_begin or axis.pad_end for axis in pool.axes)
        most = MAX_WINDOW if padded and not counts_padding(node) else MAX_WINDOW - 1
        on_npu = target.only_int8 and all(axis.kernel <= most for axis in pool.axes)
    elif is_in_steps(node, pool):
        return list(zip(*map(small_windows, pool.axes), strict=True))
    else:
        on_npu = place_of(node, pool, target) is Place.NPU
        on_npu = on_npu and all(axis.kernel <= MAX_WINDOW for axis in pool.axes)
    return [tuple(pooled_axis(node, axis) for axis in pool.axes)] if on_npu else []


def _overflows(rows: Axis, cols: Axis) -> bool:
    """Whether all tiles but the last take in the whole row, though their outputs are not all there are."""
    at_once = -(-rows.kernel // rows.stride)
    tile = 1 << ((ROW // at_once).bit_length() - 1)
    tiles = -(-cols.outputs // tile)
    taken = (tile - 1) * cols.stride + cols.kernel - cols.pad_begin - cols.pad_end
    return tiles > 1 and cols.size <= taken * (tiles - 1)
