"""RKM108: an average whose last window reaches beyond padding that counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rkmend.rules.base import Exactness, Fact
from rkmend.rules.conv.pooling import counts_padding, pooled, reaches_uncounted
from rkmend.rules.conv.sliding import Sliding
from rkmend.rules.operator import OperatorRule
from rkmend.rules.replacement import Replacement
from rkmend.targets import Target

if TYPE_CHECKING:
    import onnx_ir as ir


class CeilMean(OperatorRule):
    """An AveragePool with `ceil_mode` and `count_include_pad` whose last window reaches beyond the padding.

    ## What happens

    The model converts without a word. The last row and the last column of the output are too small (cosine 0.976).

    ## Why

    The padding counts as so many zeros. What lies beyond it does not count, but the toolkit counts that, too.

    ## Example

    `AveragePool` 3x3, strides 2, pads 1, `ceil_mode` 1, `count_include_pad` 1 on 1x4x6x6: the last of 4 windows sees
    rows 5 to 7, of which row 7 does not count.

    ## What rkmend does

    * `explicit-pads`: pads just as far as the last window reaches, without `ceil_mode`, and multiplies by window size /
      elements that count.

    ## Exactness and its limits

    `rounding`: equal in real arithmetic; the multiplication rounds once more.

    ## Evidence

    Toolkit 2.3.2, rk3588, fp16: wrong as it is, right so; seven other forms with `ceil_mode` are right as they are.
    Toolkit 2.5.0 fails alike.
    """

    code = "RKM108"
    name = "ceil-mean-counts-beyond"
    operators = frozenset({"AveragePool"})
    mend = "explicit-pads"
    summary = "Pads just as far as the last window reaches, and corrects the mean by what counts."
    exactness = Exactness.ROUNDING

    def holds(self, node: ir.Node, target: Target) -> Mapping[str, Fact] | None:
        """Padding that counts, and a window that reaches beyond it; one or two spatial axes."""
        pool = Sliding.read(node)
        if pool is None or len(pool.axes) > 2 or not counts_padding(node) or not reaches_uncounted(pool):
            return None
        ends = zip(pool.reaching(), pool.axes, strict=True)
        return {"beyond": max(end.pad_end - axis.pad_end for end, axis in ends)}

    def rewrite(self, node: ir.Node, new: Replacement) -> Sequence[ir.Value | None]:
        """AveragePool with more padding, and Mul."""
        pool, data = Sliding.read(node), node.inputs[0]
        assert pool is not None and data is not None
        return [pooled(new, "pool", node, data, pool, range(len(pool.axes)))]
