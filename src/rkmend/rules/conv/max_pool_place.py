"""Where the compiler does a MaxPool, by its window.

Source: own trials with toolkit 2.3.2: random MaxPools with windows of 1 to 36 on maps of 1 to 300, fp16 and int8, 200
on rk3588 and 80 each on rk3566, rk3576 and rk3562, all as said here.
"""

from __future__ import annotations

from dataclasses import replace
from enum import Enum
from typing import TYPE_CHECKING

from rkmend.rules.lite import LITE

if TYPE_CHECKING:
    import onnx_ir as ir

    from rkmend.rules.conv.sliding import Sliding
    from rkmend.targets import Target
    from rkmend.tiling.conv import Axis

MAX_WINDOW = 8
"""Window that the NPU does at once wherever it slides."""
MAX_PAD = 7
"""Padding of a pooling: 3 bits."""
REGISTER = {"rk3588": 16}
"""Window that the pooling register holds; elsewhere 8, the others' by their REGTASK messages."""


class Place(Enum):
    """What becomes of a MaxPool."""

    NPU = "NPU"
    CPU = "CPU"
    OVERFLOW = "overflow"
    """One pooling on the NPU that does not fit into its registers."""


def place_of(node: ir.Node, pool: Sliding, target: Target) -> Place:
    """What becomes of a MaxPool along two axes without dilation.

    A window that is larger than the map is taken for one as large as the map, without padding. One that sees all of the
    map is one pooling however large; of a square one that moves by 1 along the height small ones are made.
    """
    axes = [_within(axis) for axis in pool.reaching()]
    high, wide = axes
    kernel, pad = max(high.kernel, wide.kernel), max(max(axis.pad_begin, axis.pad_end) for axis in axes)
    whole = all(axis.kernel >= axis.size for axis in axes)
    if whole and not pad:
        return Place.NPU
    if is_in_steps(node, pool):
        return Place.NPU
    if whole and target.name not in LITE:
        fits = kernel <= REGISTER.get(target.name, MAX_WINDOW) and pad <= MAX_PAD
        return Place.NPU if fits else Place.OVERFLOW
    return Place.NPU if kernel <= MAX_WINDOW else Place.CPU


def _within(axis: Axis) -> Axis:
    if axis.kernel <= axis.size:
        return axis
    return replace(axis, kernel=axis.size, pad_begin=0, pad_end=0)


def is_in_steps(node: ir.Node, pool: Sliding) -> bool:
    """Whether small MaxPools are made of it: it is square, moves by 1 along the height and is padded alike all around.

    Source: 120 MaxPools of 8x8 to 26x26 with toolkit 2.3.2 on rk3576.
    """
    high, wide = axes = [_within(axis) for axis in pool.axes]
    alike = len({pad for axis in axes for pad in (axis.pad_begin, axis.pad_end)}) == 1
    square = high.kernel == wide.kernel >= MAX_WINDOW
    return square and alike and high.stride == 1 and not node.attributes.get_int("ceil_mode", 0)
