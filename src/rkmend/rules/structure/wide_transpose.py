"""RKM258: a Transpose that turns maps which are too wide for the NPU."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rkmend.graph.values import static_shape
from rkmend.rules.base import CannotApply, Exactness, Fact, Level
from rkmend.rules.forms import reshaped
from rkmend.rules.four_axes import four_axes, order_of
from rkmend.rules.operands import known_shape
from rkmend.rules.operator import OperatorRule
from rkmend.rules.replacement import Replacement
from rkmend.rules.structure.turning import ATOM, PLANE, WIDTH, fits, is_odd_map_too_large
from rkmend.targets import Target
from rkmend.tiling.storage import widest_element

if TYPE_CHECKING:
    import onnx_ir as ir

TRANSPOSE, TO_FRONT, TURNED, SWAPPED = (0, 1, 3, 2), (3, 0, 1, 2), (3, 0, 2, 1), (1, 0, 3, 2)
MIRRORED, ROWS_UP, COLUMNS_UP = (0, 3, 2, 1), (0, 2, 1, 3), (0, 3, 1, 2)
SIZE = 8192
"""Height or width that a register holds at all; more columns go to the CPU."""
FEW_CHANNELS: dict[tuple[int, ...], tuple[int, ...]] = {TRANSPOSE: (1, 3, 4), SWAPPED: (3, 4)}
"""Channels of what is stored as an image, in the orders that turn such a batch."""
WIDTH_3562 = 2048
"""Columns on RK3562, and the orders that have a register for them."""
ORDERS_3562 = {
    "fp16": (TRANSPOSE, ROWS_UP, MIRRORED, SWAPPED, (1, 3, 0, 2), (3, 2, 1, 0)),
    "int8": (MIRRORED, SWAPPED),
}


class WideTranspose(OperatorRule):
    """A Transpose that turns maps of more than 1024 columns, in an order that has a register for them.

    ## What happens

    The build says it succeeded, but the compiler has written a number into a register that is too narrow for it, so the
    layer fails on the board or computes something else:

        E RKNN: REGTASK: The bit width of field value exceeds the limit, target: v2, offset: 0x5014, shift = 0,
        limit: 0x1fff, value: 0x4fff

    ## Why

    Each order of the axes has its own way on the NPU with its own limits. Where the width becomes the height
    (0132), or in int8 goes to the front (3021, and 201 of three axes) or changes places with it (1032), it is
    multiplied by 8 and has 13 bits (register 0x5014 or 0x4038); in int8 3012 all of height times width is, and the
    batch by groups of 16. In int8 3012, 3021, 201 and 0312 turn all rows (0312 those of one map) as a matrix whose
    rows are counted by groups of 16, where rows and columns are whole groups. In fp16 3012 and 3021 overflow where
    height times channels is over 1024. In 0132 the height has 13 bits (0x5010). A step from plane to plane is counted
    in 32 bytes and has 13 bits (0x5048): height times width in 0132, channels times width in 0213, and of an odd
    height in 0312 (RKM261). In int8 images of 1, 3 or 4 channels have the rows of all of them counted by 13 bits
    (0x4034) in 0132 and 1032. For batches in 0321 see RKM263.

    ## Example

    `Transpose` 0 1 3 2 of 1x1x256x2560, of 1x8x16x2048, of 1x4x256x512; in int8 3 0 1 2 of 1x16x40x40.

    ## What rkmend does

    * `two-steps`: puts the columns in the place of the channels (of 0312 the rows), and then everything where it
      belongs. A depthwise 1x1 Conv with weights of 1 stands between the two: the toolkit would take two Transposes
      together, and draws them past everything else (Reshape, Clip, Split and Concat).

    ## Exactness and its limits

    Exact for finite numbers: they are multiplied by 1. Floating point only; other than four axes where the compiler
    sees them as four.

    ## Evidence

    Toolkit 2.3.2, rk3588, 900 Transposes in all orders, fp16 and int8, widths and heights of 1 to 9000: 0132 overflows
    from 1025 columns to 8192 (more go to the CPU), from 8193 rows, and at 2x256x512 and 5x256x512 in fp16; 0213 at 1024
    channels of 128 columns in fp16 and 2048 in int8 (20 of 20, 22 below convert); int8 3012 from 1040 pixels of a map,
    int8 3021 and 201 from 1025 columns, all three and 0312 from 16,385 rows, 1032 from 1025 columns while a row of maps
    takes no more than 16,384 bytes; int8 0132 and 1032 of 2 to 8 images of 8193 rows together, unless they have whole
    groups of 16 columns. In fp16 3012 and 3021 overflow from 1025 columns where height times channels, in whole groups
    of 8, is over 1024 (24 of 24; 40 others convert). Five axes with one of 1 do as the four others. On rk3562 six
    orders in fp16 and two in int8 overflow from 2049 columns (220 trials; int8 0132 somewhere from 2050 to 2100, which
    is not said). On rk3576 none of 150 overflowed; rk3566 leaves them to the CPU. Mended, the failing ones convert on
    rk3588, with none or one of the steps on the CPU; on rk3562 the mend has the same limit.
    """

    code = "RKM258"
    name = "transpose-too-wide"
    level = Level.ERROR
    operators = frozenset({"Transpose"})
    mend = "two-steps"
    summary = "Transposes in two steps, with a convolution by 1 between them."
    exactness = Exactness.EXACT

    def holds(self, node: ir.Node, target: Target) -> Mapping[str, Fact] | None:
        """One of these orders of four axes, and the map is too wide."""
        shape = static_shape(node.inputs[0])
        if shape is None or target.name not in ("rk3588", "rk3562"):
            return None
        seen = four_axes(shape, order_of(node, len(shape)))
        if seen is None:
            return None
        (batch, channels, height, width), order = seen
        dtype = "int8" if target.only_int8 else "fp16"
        if target.name == "rk3562":
            if len(shape) < len(order):
                return None  # matrices convert
            overflows = _overflows_on_rk3562(channels, width, order, dtype)
        else:
            element = widest_element(target)
            overflows = _overflows(batch, channels, height, width, order, element) or (
                element == 1 and _batch_overflows(batch, channels, height, width, order)
            )
        if not overflows:
            return None
        return {"height": height, "width": width, "order": "".join(map(str, order))}

    def rewrite(self, node: ir.Node, new: Replacement) -> Sequence[ir.Value | None]:
        """Transpose, Conv, Transpose."""
        import numpy as np

        data = node.inputs[0]
        if data is None or data.dtype is None or data.dtype.name not in ("FLOAT", "FLOAT16"):
            raise CannotApply("a convolution has to be of floating point")
        dtype, given = data.dtype.numpy(), known_shape(data)
        perm = order_of(node, len(given))
        seen = four_axes(given, perm)
        if seen is None:
            raise CannotApply("it has not four axes")
        shape, order = seen
        if order == TURNED and shape[2] == 1 and shape[3] <= WIDTH:  # too high: the rows of one map go first
            shape, order = (1, shape[0], shape[1], shape[3]), COLUMNS_UP
        if tuple(given) != shape:
            data = reshaped(new, "four_axes", data, shape)
        # 0321 and 0132 together would be 0312 again, to the compiler, too
        first = ROWS_UP if order == COLUMNS_UP else MIRRORED
        channels = shape[first[1]]
        turned = new.node("first", "Transpose", [data], {"perm": list(first)})
        ones = new.constant("ones", np.ones([channels, 1, 1, 1], dtype))
        kept = new.node("kept", "Conv", [turned, ones], {"group": channels, "kernel_shape": [1, 1]})
        rest = [first.index(axis) for axis in order]
        done = new.node("rest", "Transpose", [kept], {"perm": rest})
        return [
            done if tuple(given) == shape else reshaped(new, "axes", done, [given[axis] for axis in perm])
        ]


def _overflows(
    batch: int, channels: int, height: int, width: int, order: tuple[int, ...], element: int
) -> bool:
    if order == TRANSPOSE:
        large = channels > 1 and height * width * element >= PLANE
        return WIDTH < width <= SIZE or height > SIZE or large
    if order == ROWS_UP:  # rows that are no whole atoms go another way
        return height > 1 and width * element % ATOM == 0 and channels * width * element >= PLANE
    if order == COLUMNS_UP:
        return is_odd_map_too_large(channels, height, width, element) or (
            element == 1 and _is_matrix_too_high(channels * height, width)
        )
    if order == SWAPPED:
        return channels > 1 and width > WIDTH and fits(height, width, element)
    if order not in (TO_FRONT, TURNED):
        return False
    if element == 1:
        turned = -(-batch // ATOM) * height * width if order == TO_FRONT else width
        return turned > WIDTH or _is_matrix_too_high(batch * channels * height, width)
    group = ATOM // element
    return WIDTH < width <= SIZE and -(-channels // group) * group * height > WIDTH


def _is_matrix_too_high(rows: int, width: int) -> bool:
    """Whether, in int8, maps that are turned as one matrix overflow: all their rows are counted, by groups of 16."""
    return rows > ATOM * WIDTH and rows % ATOM == 0 and width % ATOM == 0


def _batch_overflows(batch: int, channels: int, height: int, width: int, order: tuple[int, ...]) -> bool:
    """Whether, in int8, the rows of a whole batch of images do: what has few channels is stored without padding."""
    few = FEW_CHANNELS.get(order, ())
    return batch > 1 and channels in few and batch * height > SIZE and width % ATOM != 0


def _overflows_on_rk3562(channels: int, width: int, order: tuple[int, ...], dtype: str) -> bool:
    if order == ROWS_UP and channels == 1:
        return False
    return WIDTH_3562 < width <= SIZE and order in ORDERS_3562[dtype]
