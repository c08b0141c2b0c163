"""RKM108: a pooling whose last windows, under `ceil_mode`, the toolkit takes otherwise than ONNX."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rkmend.rules.base import Exactness, Fact, Finding, Level
from rkmend.rules.conv.pool_as_done import counted_outputs, pooled_axis
from rkmend.rules.conv.pooling import (
    counts_padding,
    demand_no_indices,
    factor_beyond,
    pooled,
    reaches_uncounted,
)
from rkmend.rules.conv.sliding import Sliding
from rkmend.rules.operator import OperatorRule
from rkmend.rules.replacement import Replacement
from rkmend.targets import Target
from rkmend.tiling.conv import Axis
from rkmend.toolkit.tolerance import tolerance_for

if TYPE_CHECKING:
    import onnx_ir as ir


class CeilMean(OperatorRule):
    """A pooling with `ceil_mode` whose last windows reach beyond the padding or begin behind the data.

    ## What happens

    The model converts without a word. The last row and column of an average are too small (cosine 0.976), or the output
    has a row and a column too many.

    ## Why

    With `count_include_pad` the padding counts as so many zeros. What lies beyond it does not count, but the toolkit
    counts that, too. A window that begins behind the data is no output in ONNX; the toolkit counts it. A MaxPool whose
    stride is longer than its window keeps part of the stride and leaves the rest to a Conv, which may skip that window;
    in int8 its output, minus infinity, has spoilt the range of the others by then.

    ## Example

    `AveragePool` 3x3, strides 2, pads 1, `ceil_mode` 1, `count_include_pad` 1 on 1x4x6x6: the last of 4 windows sees
    rows 5 to 7, of which row 7 does not count. `MaxPool` 5x5, strides 4, pads 4, `ceil_mode` 1 on 1x8x20x20: 6x6
    outputs by ONNX, 7x7 by the toolkit.

    ## What rkmend does

    * `explicit-pads`: pads just as far as the last window reaches, without `ceil_mode`, and multiplies a mean by window
      size / elements that count.

    ## Exactness and its limits

    `rounding`: equal in real arithmetic; the multiplication of a mean rounds once more. Indices of the largest elements
    are refused.

    ## Evidence

    Toolkit 2.3.2, rk3588, own trials of 270 random poolings with `ceil_mode` and strides of 1 to 8, fp16 and int8:
    all that fail as said here, and none but those. On a large map the means that are too small are few, within what
    a verification allows: a warning; 59 of 60 AveragePools that count padding, as said here. Toolkit 2.5.0 counts
    beyond the padding, too.
    """

    code = "RKM108"
    name = "ceil-mean-counts-beyond"
    level = Level.ERROR
    operators = frozenset({"AveragePool", "MaxPool"})
    mend = "explicit-pads"
    summary = "Pads just as far as the last window reaches, and corrects a mean by what counts."
    exactness = Exactness.ROUNDING

    def holds(self, node: ir.Node, target: Target) -> Mapping[str, Fact] | None:
        """Padding that counts and a window that reaches beyond it, or a window too many; one or two spatial axes."""
        pool = Sliding.read(node)
        if pool is None or len(pool.axes) > 2 or not node.attributes.get_int("ceil_mode", 0):
            return None
        if node.op_type == "AveragePool" and counts_padding(node) and reaches_uncounted(pool):
            ends = zip(pool.reaching(), pool.axes, strict=True)
            beyond = max(end.pad_end - axis.pad_end for end, axis in ends)
            if all(
                counted_outputs(node, axis) == count
                for axis, count in zip(pool.axes, pool.outputs, strict=True)
            ):
                return {"beyond": beyond, **_deviation(pool)}
            return {"beyond": beyond}
        if node.op_type == "MaxPool" and any(axis.dilation > 1 for axis in pool.axes):
            return None
        counts = [counted_outputs(node, axis) for axis in pool.axes]
        if counts != list(pool.outputs):
            return {"outputs": _times(pool.outputs), "counted": _times(counts)}
        if target.only_int8 and any(_sees_nothing(node, axis) for axis in pool.axes):
            return {"outputs": _times(pool.outputs), "counted": _times(counts), "dtype": "int8"}
        return None

    def level_of(self, finding: Finding, target: Target) -> Level:
        """An error where means are so much too small, or so many, that a verification notices."""
        if "lost" not in finding.facts:
            return self.level
        allowed = tolerance_for(quantized=target.only_int8)
        cosine, lost = float(finding.facts["cosine"]), float(finding.facts["lost"])
        return Level.WARNING if cosine >= allowed.cosine and lost <= allowed.max_rel else self.level

    def rewrite(self, node: ir.Node, new: Replacement) -> Sequence[ir.Value | None]:
        """The pooling with more padding or less, and Mul."""
        pool, data = Sliding.read(node), node.inputs[0]
        assert pool is not None and data is not None
        demand_no_indices(node)
        value = pooled(new, "pool", node, data, pool, range(len(pool.axes)))
        return [value, *[None] * (len(node.outputs) - 1)]


def _deviation(pool: Sliding) -> Mapping[str, Fact]:
    """Of means that count beyond the padding, from those that do not, if all are alike: cosine, largest share lost."""
    import numpy as np

    shrunk = 1 / factor_beyond(pool, range(len(pool.axes))).astype(np.float64)
    cosine = float(shrunk.mean() / np.sqrt((shrunk**2).mean()))
    return {"cosine": round(cosine, 6), "lost": round(1 - float(shrunk.min()), 6)}


def _sees_nothing(node: ir.Node, axis: Axis) -> bool:
    """Whether the last window of the pooling itself begins behind the data."""
    done = pooled_axis(node, axis)
    return (done.outputs - 1) * done.stride - done.pad_begin >= done.size


def _times(sizes: Sequence[int]) -> str:
    return "x".join(map(str, sizes))
