"""RKM120: a pooling of 5x5 to 7x7 in steps of one, which the compiler for RK3576 cuts into tiles that are too wide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rkmend.rules.base import CannotApply, Exactness, Fact, Level
from rkmend.rules.conv.pool_steps import pooled_in_steps
from rkmend.rules.conv.pooling import counts_padding
from rkmend.rules.conv.sliding import Sliding
from rkmend.rules.operator import OperatorRule
from rkmend.rules.replacement import Replacement
from rkmend.targets import Target

if TYPE_CHECKING:
    import onnx_ir as ir

AFFECTED = ("rk3576",)
WINDOWS = range(5, 8)
TILE = 32
"""Outputs of a tile of such a window."""
CERTAIN = 48
"""Columns up to which some such poolings convert."""
SMALLER = 4


class PoolTiles(OperatorRule):
    """A pooling with a window of 5x5 to 7x7 that moves by one over more than 48 columns, on RK3576.

    ## What happens

    `build` ends its process:

        E RKNN: Pool tile_out_w > max_output_w, exit

    ## Why

    Wide maps are pooled in tiles. For windows of 5 to 7 in both directions a tile has 32 outputs, and where the last
    one is not full the compiler makes it wider than that.

    ## Example

    `MaxPool` 7x7 on 1x64x123x123; in int8 `AveragePool` 6x6 on 1x13x224x224.

    ## What rkmend does

    * `windows-of-4`: a MaxPool in steps with windows of at most 4. An AveragePool is refused.

    ## Exactness and its limits

    `exact`: the largest element of a window is the largest of those of its parts. Of 33 to 48 columns some fail as
    well (40 did, 48 did not), which is not said. So do other windows now and then (2x2 on 130 columns, 3x3 and 11x11
    on 265).

    ## Evidence

    Toolkit 2.3.2, rk3576, own trials: of windows 5, 6 and 7 on 56 to 320 columns 36 of 36 MaxPools died, with a padding
    on one side as well, and 3 of 3 AveragePools in int8; with strides of 2, one row or column, 96 outputs, or padded at
    both sides (9 of 9) they convert. AveragePools in fp16 are Convs and convert. rk3562, rk3566 and rk3588 convert them
    all.
    """

    code = "RKM120"
    name = "pool-tile-too-wide"
    level = Level.ERROR
    operators = frozenset({"MaxPool", "AveragePool"})
    mend = "windows-of-4"
    summary = "Pools in steps with windows of at most 4."
    exactness = Exactness.EXACT

    def holds(self, node: ir.Node, target: Target) -> Mapping[str, Fact] | None:
        """Where the last tile is not full."""
        if target.name not in AFFECTED:
            return None
        if node.op_type == "AveragePool" and target.dtypes != ("int8",):
            return None
        pool = Sliding.read(node)
        if pool is None or len(pool.axes) != 2:
            return None
        width, within = pool.axes[1].size, pool.axes[1].pad_begin and pool.axes[1].pad_end
        alike = all(axis.kernel in WINDOWS and axis.stride == axis.dilation == 1 for axis in pool.axes)
        padded = any(axis.pad_begin or axis.pad_end for axis in pool.axes)
        on_cpu = node.op_type == "AveragePool" and padded and not counts_padding(node)
        if not alike or on_cpu or within or width <= CERTAIN or pool.outputs[1] % TILE == 0:
            return None
        return {"kernel": "x".join(str(axis.kernel) for axis in pool.axes), "width": width}

    def rewrite(self, node: ir.Node, new: Replacement) -> Sequence[ir.Value | None]:
        """Smaller MaxPools, one after the other."""
        if node.op_type != "MaxPool":
            raise CannotApply("a mean is no mean of means")
        return pooled_in_steps(node, new, SMALLER)
