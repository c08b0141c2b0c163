"""RKM124: a padded average with a single window as large as the map, which the toolkit takes for a global one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rkmend.rules.base import Exactness, Fact, Level
from rkmend.rules.conv.pool_as_done import counted_outputs
from rkmend.rules.conv.pooling import counts_padding
from rkmend.rules.conv.sliding import Sliding
from rkmend.rules.forms import cut
from rkmend.rules.operator import OperatorRule
from rkmend.rules.replacement import Replacement
from rkmend.targets import Target

if TYPE_CHECKING:
    import onnx_ir as ir


class GlobalMean(OperatorRule):
    """An AveragePool with one output and a window of the size of the map, padded in front.

    ## What happens

    The model converts without a word, and the output is the mean of the whole map.

    ## Why

    The toolkit takes a window as large as the map with a single output for a global pooling. But in front of the map
    there is padding, so that the window ends within the map.

    ## Example

    `AveragePool` 5x5, strides 9, pads 2 on 1x8x5x5: the mean of the 9 elements at the top left.

    ## What rkmend does

    * `seen-part`: the global mean of the part that the window sees, times its share of the window where padding counts.

    ## Exactness and its limits

    `rounding`: the same mean, maybe summed in another order; the multiplication rounds once more.

    ## Evidence

    Toolkit 2.3.2, own trials of 16 windows on 5x5, with padding that counts and padding that does not: wrong as said
    here; right with two outputs, with a window larger or smaller than the map along either axis, or padded at the end
    only. A MaxPool is right.
    """

    code = "RKM124"
    name = "padded-global-mean"
    level = Level.ERROR
    operators = frozenset({"AveragePool"})
    mend = "seen-part"
    summary = "Takes the global mean of the part of the map that the window sees."
    exactness = Exactness.ROUNDING

    def holds(self, node: ir.Node, target: Target) -> Mapping[str, Fact] | None:
        """Where the toolkit sees one window as large as the map, and it does not see the whole map."""
        pool = Sliding.read(node)
        if pool is None or len(pool.axes) != 2:
            return None
        single = all(
            axis.kernel == axis.size and axis.dilation == 1 and counted_outputs(node, axis) == 1
            for axis in pool.axes
        )
        if not single or not any(axis.pad_begin for axis in pool.axes):
            return None
        rows, cols = pool.axes
        return {"kernel": f"{rows.kernel}x{cols.kernel}", "pads": f"{rows.pad_begin}, {cols.pad_begin}"}

    def rewrite(self, node: ir.Node, new: Replacement) -> Sequence[ir.Value | None]:
        """A Slice along each padded axis, AveragePool, and Mul."""
        import numpy as np

        pool, value = Sliding.read(node), node.inputs[0]
        assert pool is not None and value is not None
        seen = [axis.kernel - axis.pad_begin for axis in pool.axes]
        for number, axis in enumerate(pool.axes):
            if axis.pad_begin:
                value = cut(new, f"seen{number}", value, 2 + number, 0, seen[number])
        value = new.node("mean", "AveragePool", [value], {"kernel_shape": seen})
        if counts_padding(node):
            share = np.float32(math.prod(seen) / math.prod(axis.kernel for axis in pool.axes))
            value = new.node("share", "Mul", [value, new.constant("factor", np.array(share))])
        return [value]
