"""RKM126: an int8 AveragePool whose first window reaches beyond the map, on RK3576."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rkmend.rules.base import CannotApply, Exactness, Fact, Level
from rkmend.rules.conv.max_pool_place import MAX_PAD
from rkmend.rules.conv.pooling import counts_padding
from rkmend.rules.conv.sliding import Sliding, window_attributes
from rkmend.rules.operator import OperatorRule
from rkmend.rules.replacement import Replacement
from rkmend.targets import Target
from rkmend.tiling.conv import Axis

if TYPE_CHECKING:
    import onnx_ir as ir

AFFECTED = ("rk3576",)
MOST_COUNTED, MOST = 7, 8
"""Windows that are poolings in int8, where padding counts and where not; larger ones become Convs or smaller ones."""


class OverhangingMean(OperatorRule):
    """An int8 AveragePool on a map smaller than its window, whose first window reaches beyond the map, on RK3576.

    ## What happens

    The build says it succeeded, but the compiler has written a number into a register that is too narrow for it, so the
    layer fails on the board or computes something else:

        E RKNN: REGTASK: The bit width of field value exceeds the limit, target: f2, offset: 0x6040, shift = 12,
        limit: 0x7, value: 0xa

    ## Why

    Padding has 3 bits. The compiler pads the end by (what the first window reaches beyond the map + stride) x (outputs
    - 1), which is more than the padding of the pooling. In fp16 such a pooling is a Conv.

    ## Example

    `AveragePool` 7x7 on 1x10x1x1, pads 5 at the top and 6 on all other sides: 2 x 5 rows where 7 fit.

    ## What rkmend does

    * `as-conv`: a depth-wise Conv with equal weights. Where padding does not count, all windows have to see as much of
      the map.

    ## Exactness and its limits

    `rounding`: the same mean, multiplied before it is summed. More padding at the begin would avoid the overflow, too,
    but such poolings lose precision: 7x7 on a single element, padding that counts, has a cosine of 0.986.

    ## Evidence

    Toolkit 2.3.2, rk3576, int8, own trials: 30 of 180 poolings with windows of 4 to 14 on maps of 1 to 3 rows overflow,
    with the number that is said here. Of 350 random ones with windows of 1 to 8 that overhang 60 overflow, all as said,
    and no others. With a stride longer than the window none does. In fp16 all convert, and so does a MaxPool.
    """

    code = "RKM126"
    name = "overhanging-mean"
    level = Level.ERROR
    operators = frozenset({"AveragePool"})
    mend = "as-conv"
    summary = "Computes the mean by a depth-wise Conv."
    exactness = Exactness.ROUNDING

    def holds(self, node: ir.Node, target: Target) -> Mapping[str, Fact] | None:
        """Two spatial axes, and along one of them more padding than fits."""
        if (
            target.name not in AFFECTED
            or not target.only_int8
            or node.attributes.get_int("ceil_mode", 0) != 0
        ):
            return None
        pool = Sliding.read(node)
        most = MOST_COUNTED if counts_padding(node) else MOST
        if pool is None or len(pool.axes) != 2 or max(axis.kernel for axis in pool.axes) > most:
            return None
        if any(axis.stride > axis.kernel for axis in pool.axes):
            return None  # a Conv takes up the stride
        far = [axis for axis in pool.axes if _is_far(axis)]
        return {"kernel": far[0].kernel, "size": far[0].size, "pad": far[0].pad_begin} if far else None

    def rewrite(self, node: ir.Node, new: Replacement) -> Sequence[ir.Value | None]:
        """The Conv."""
        import numpy as np

        pool, data = Sliding.read(node), node.inputs[0]
        assert pool is not None and data is not None
        rows, cols = pool.axes
        share = 1 / (rows.kernel * cols.kernel)
        if not counts_padding(node):
            seen = {high * wide for high in _seen(rows) for wide in _seen(cols)}
            if len(seen) > 1:
                raise CannotApply("padding does not count, and its windows see more or less of the map")
            share = 1 / seen.pop()
        channels = pool.shape[1]
        dtype = np.dtype(np.float32) if data.dtype is None else data.dtype.numpy()
        weight = np.full([channels, 1, rows.kernel, cols.kernel], share, dtype)
        attributes = window_attributes(pool.axes, group=channels)
        return [new.node("mean", "Conv", [data, new.constant("shares", weight)], attributes)]


def _seen(axis: Axis) -> set[int]:
    """How many elements of the map the windows see."""
    begins = range(-axis.pad_begin, axis.outputs * axis.stride - axis.pad_begin, axis.stride)
    return {min(begin + axis.kernel, axis.size) - max(begin, 0) for begin in begins}


def _is_far(axis: Axis) -> bool:
    """Whether the first window reaches so far beyond the map that the padding of the end overflows."""
    beyond = axis.extent - axis.pad_begin - axis.size
    return beyond > 0 and axis.dilation == 1 and (beyond + axis.stride) * (axis.outputs - 1) > MAX_PAD
