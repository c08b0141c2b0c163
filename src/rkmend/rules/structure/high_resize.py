"""RKM262: a Resize in int8 of more than 128 rows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rkmend.graph.values import static_shape
from rkmend.rules.base import CannotApply, Exactness, Fact, Level
from rkmend.rules.conv.limits import even_parts
from rkmend.rules.design.cpu_resize import LINEAR
from rkmend.rules.forms import cut, joined, split
from rkmend.rules.operands import known_shape, numbers_of, operand
from rkmend.rules.operator import OperatorRule
from rkmend.rules.replacement import Replacement
from rkmend.targets import Target
from rkmend.tiling.bands import buffer_of, row_entries
from rkmend.tiling.storage import rounded

if TYPE_CHECKING:
    import onnx_ir as ir

AFFECTED = ("rk3588",)
MOST_ROWS = 128
PART = 64
"""Channels that are computed at once."""
GATHERED = 64
"""Columns that are gathered on the NPU; more are left to the CPU."""
PLAIN = 8
"""Denominator of a plain fraction."""
LOCAL = ("half_pixel", "pytorch_half_pixel", "asymmetric")
"""Coordinates of which a row of the result depends on the two nearest rows only, wherever the map ends."""
ROWS, COLUMNS = 2, 3
"""Axes, of four."""
SCALES_THIRD = 11
"""Opset from which the scales are the third input."""


class HighResize(OperatorRule):
    """A Resize of more than 128 rows, in int8 on RK3588, linear by whole factors or nearest by others.

    ## What happens

    The build says it succeeded, but the compiler has written a number into a register that is too narrow for it, so the
    layer fails on the board or computes something else:

        E RKNN: REGTASK: The bit width of field value exceeds the limit, target: v2, offset: 0x4058, ...

    ## Why

    By whole factors a linear Resize is done as depth-wise Convs whose results are interleaved, and a nearest one that
    is no plain repetition gathers its columns. In int8 both count the rows that are in the buffer by 64 in 13 bits.

    ## Example

    `Resize` linear by 2 of 1x3x159x64, or nearest by 1.5, in an int8 build.

    ## What rkmend does

    * `row-pieces`: linear, it resizes pieces of at most 126 rows, each with the rows next to it, cuts off what these
      made, and joins the pieces. Nearest, it resizes the columns in pieces of at most 128 rows, then the rows.

    ## Exactness and its limits

    `rounding`: each row is computed from the same rows with the same weights, which are computed from other places.
    Static shapes, four axes, opset 11 and later. One channel, a linear Resize with `align_corners` or by factors that
    are not whole, and a nearest one by whole factors, to a whole fraction without `align_corners`, or of the rows alone
    go another way and convert.

    ## Evidence

    Toolkit 2.3.2, rk3588, int8, own trials: of 2 to 16 channels by 2, 3 and 4, half_pixel and asymmetric, all 48 with
    129 and 200 rows overflow and none of 48 with 100 and 128, nor of one channel, nor in fp16 (118); by 2 along one
    axis alone they do. Nearest, all 288 pairs of factors from 1/4 to 3 on 132 rows, three kinds of coordinates, and
    294 of 300 of 129 to 255 rows as said here. Linear, rows of up to 43 entries fail and of 44 convert, of 32, 64 and
    128 channels: 128 rows of 44 are what eleven banks hold. Nearest, by factors that do not fit the width, those that
    make up to 64 columns fail, or fewer than half as many as there were, of 16 to 130 channels, and others go to the
    CPU (290 trials). rk3576, rk3562 and rk3566 convert them. Mended they convert, with right numbers.
    """

    code = "RKM262"
    name = "resize-too-high"
    level = Level.ERROR
    operators = frozenset({"Resize", "Upsample"})
    mend = "row-pieces"
    summary = "Resizes the rows in pieces, and joins them."
    exactness = Exactness.ROUNDING

    def holds(self, node: ir.Node, target: Target) -> Mapping[str, Fact] | None:
        """More than 128 rows of several channels, in one of these ways."""
        before, after = static_shape(node.inputs[0]), static_shape(node.outputs[0])
        if target.name not in AFFECTED or not target.only_int8 or not before or not after:
            return None
        if len(before) != 4 or before == after or before[1] == 1 or before[ROWS] <= MOST_ROWS:
            return None
        fails = _repeats if _is_linear(node) else _gathers
        if not fails(before, after, target, aligned=_coordinates(node) == "align_corners"):
            return None
        return {"rows": before[ROWS], "most": MOST_ROWS, "channels": before[1]}

    def message(self, node: ir.Node, facts: Mapping[str, Fact]) -> str:
        """How many rows."""
        kind = "linear" if _is_linear(node) else "nearest"
        return (
            f"Resize '{node.name}' is {kind}, in int8, and of {facts['rows']} rows, where the NPU has "
            f"{facts['most']} at most."
        )

    def rewrite(self, node: ir.Node, new: Replacement) -> Sequence[ir.Value | None]:
        """Pieces of rows, each resized, and Concat."""
        if node.op_type != "Resize" or new.opset < SCALES_THIRD:
            raise CannotApply("this opset resizes in another way")
        return [_linear(node, new) if _is_linear(node) else _nearest(node, new)]


def _repeats(before: tuple[int, ...], after: tuple[int, ...], target: Target, *, aligned: bool) -> bool:
    """Whether a linear one is done by whole factors, with too many rows in the buffer."""
    whole = all(new % old == 0 for old, new in zip(before[ROWS:], after[ROWS:], strict=True))
    return whole and not aligned and _band(before[1], before[COLUMNS], target) > MOST_ROWS


def _gathers(before: tuple[int, ...], after: tuple[int, ...], target: Target, *, aligned: bool) -> bool:
    """Whether a nearest one gathers columns of too many rows, on the NPU."""
    old, new = before[COLUMNS], after[COLUMNS]
    rows, cols = after[ROWS] % before[ROWS] == 0, new % old == 0
    fits = cols or old % max(new, 1) == 0 or _is_exact(before[ROWS], after[ROWS])
    if old == new or (rows and cols) or not (aligned or rows or not fits):
        return False
    if _is_exact(old, new):
        return _band(before[1], old, target) > MOST_ROWS
    return new <= GATHERED or 2 * new + 1 < old


def _is_exact(old: int, new: int) -> bool:
    """Whether a plain fraction gives this many rows without rounding: 132 by 3/2, but not 129."""
    return old // math.gcd(old, new) <= PLAIN


def _band(channels: int, width: int, target: Target) -> int:
    """Rows that are in the buffer at once beside one bank, of equal parts of the channels."""
    parts, cbuf = -(-channels // PART), buffer_of(target)
    part = rounded(-(-channels // parts), target.atom_bytes)
    return (cbuf.banks - 1) * cbuf.entries_per_bank // row_entries(width, part, 1, target)


def _linear(node: ir.Node, new: Replacement) -> ir.Value:
    data, before, after = node.inputs[0], known_shape(node.inputs[0]), known_shape(node.outputs[0])
    if _coordinates(node) not in LOCAL:
        raise CannotApply(f"coordinates are {_coordinates(node)}")
    assert data is not None
    factors = [size // old for old, size in zip(before, after, strict=True)]
    pieces, start = [], 0
    for number, rows in enumerate(even_parts(before[ROWS], MOST_ROWS - 2)):
        first, last = max(start - 1, 0), min(start + rows + 1, before[ROWS])
        piece = cut(new, f"piece_{number}", data, ROWS, first, last)
        large = _resized(node, new, f"large_{number}", piece, factors)
        offset = (start - first) * factors[ROWS]
        pieces.append(cut(new, f"kept_{number}", large, ROWS, offset, offset + rows * factors[ROWS]))
        start += rows
    return joined(new, "joined", pieces, ROWS)


def _nearest(node: ir.Node, new: Replacement) -> ir.Value:
    data = node.inputs[0]
    assert data is not None
    scales = numbers_of(operand(node, 2), "its scales are").ravel().tolist()
    if len(scales) != 4 or _coordinates(node) == "tf_crop_and_resize":
        raise CannotApply("it has no scale for each axis")
    parts = even_parts(known_shape(data)[ROWS], MOST_ROWS)
    pieces = [
        _resized(node, new, f"columns_{number}", piece, [1, 1, 1, scales[3]])
        for number, piece in enumerate(split(new, "pieces", data, ROWS, parts))
    ]
    columns = joined(new, "joined", pieces, ROWS)
    return columns if scales[ROWS] == 1 else _resized(node, new, "rows", columns, [1, 1, scales[ROWS], 1])


def _resized(
    node: ir.Node, new: Replacement, part: str, value: ir.Value, scales: Sequence[float]
) -> ir.Value:
    import numpy as np

    attributes = {key: attribute for key, attribute in node.attributes.items() if key != "axes"}
    listed = new.constant(f"{part}_scales", np.array(scales, np.float32))
    return new.node(part, "Resize", [value, None, listed], attributes)


def _coordinates(node: ir.Node) -> str:
    return node.attributes.get_string("coordinate_transformation_mode", "half_pixel") or "half_pixel"


def _is_linear(node: ir.Node) -> bool:
    return node.attributes.get_string("mode", "nearest") in LINEAR
