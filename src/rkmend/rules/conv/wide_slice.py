"""RKM107: a Slice along a width that does not fit into the NPU's registers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rkmend.graph.values import static_shape
from rkmend.rules.base import Exactness, Fact
from rkmend.rules.conv.limits import MAX_SIZE
from rkmend.rules.forms import cut, reshaped
from rkmend.rules.operands import slice_bounds
from rkmend.rules.operator import OperatorRule
from rkmend.rules.replacement import Replacement
from rkmend.targets import Target

if TYPE_CHECKING:
    import onnx_ir as ir


class WideSlice(OperatorRule):
    """A Slice along the last axis, where that has more than 8192 elements.

    ## What happens

    The build says it succeeded, but the compiler has written a number into a register that is too narrow for it, so the
    layer fails on the board or computes something else:

        E RKNN: REGTASK: The bit width of field value exceeds the limit, target: v2, offset: 0x4038, shift = 0,
        limit: 0x1fff, value: 0x21290

    ## Why

    The last axis is the width, and widths have 13 bits. The same elements arranged in rows fit.

    ## Example

    `Slice` 0:144000 of 1x144160 samples of sound, and 160:144160 of the same, to cut them into overlapping frames.

    ## What rkmend does

    * `rows`: arranges the axis in rows whose length divides its size and both ends of the cut, takes whole rows, and
      joins them again. Without such a length each row is one element long.

    ## Exactness and its limits

    Bit for bit: no element changes, and each is where it was. Steps other than 1 are left alone.

    ## Evidence

    Toolkit 2.3.2, rk3588, fp16: 5 of 6 such Slices overflow, of 9000 to 144160 elements; along another axis they
    convert. Toolkit 2.5.0
    fails alike.
    """

    code = "RKM107"
    name = "slice-too-wide"
    operators = frozenset({"Slice"})
    mend = "rows"
    summary = "Arranges the wide axis in rows and takes whole rows."
    exactness = Exactness.EXACT

    def holds(self, node: ir.Node, target: Target) -> Mapping[str, Fact] | None:
        """A cut of the last axis, by steps of 1, and of no other."""
        bounds = _bounds(node)
        return None if bounds is None else dict(zip(("width", "start", "end"), bounds, strict=True))

    def rewrite(self, node: ir.Node, new: Replacement) -> Sequence[ir.Value | None]:
        """Reshape, Slice of rows, Reshape."""
        data, shape, result = node.inputs[0], static_shape(node.inputs[0]), static_shape(node.outputs[0])
        bounds = _bounds(node)
        assert data is not None and shape is not None and result is not None and bounds is not None
        width, start, end = bounds
        row = _row(width, start, end)
        others = math.prod(shape[:-1])
        rows = reshaped(new, "rows", data, [others, width // row, row])
        rows = cut(new, "cut", rows, 1, start // row, end // row)
        return [reshaped(new, "joined", rows, result)]


def _bounds(node: ir.Node) -> tuple[int, int, int] | None:
    """Width, start and end; None where something else than the last axis is cut, or its width fits."""
    shape, result = static_shape(node.inputs[0]), static_shape(node.outputs[0])
    if not shape or result is None or shape[-1] <= MAX_SIZE or shape[:-1] != result[:-1]:
        return None
    cuts = slice_bounds(node)
    if cuts is None or any(step != 1 for *_, step in cuts):
        return None
    starts = [start for axis, start, *_ in cuts if axis == len(shape) - 1]
    if not starts:
        return None
    start = starts[0]
    start = min(max(start + shape[-1] if start < 0 else start, 0), shape[-1])
    return shape[-1], start, start + result[-1]


def _row(width: int, start: int, end: int) -> int:
    """The length of a row: the largest that divides all three and gives no more rows than fit, else 1."""
    common = math.gcd(width, start, end)
    fitting = [n for n in range(1, min(common, MAX_SIZE) + 1) if common % n == 0 and width // n <= MAX_SIZE]
    return max(fitting, default=1)
