"""A Transpose as the compiler sees it: of four axes.

Source: the shapes in the layer tables of 400 Transposes of two to five axes, toolkit 2.3.2, rk3588.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx_ir as ir

AXES = 4


def four_axes(shape: Sequence[int], order: Sequence[int]) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """Shape and order with a third axis of 1 put in, or with the first axis of 1 or a border that stays left out.

    Returns:
        None where there are no four axes then.
    """
    if len(shape) == AXES - 2:
        return four_axes((1, *shape), (0, *(axis + 1 for axis in order)))
    if len(shape) == AXES - 1:
        first, second, third = (axis + (axis == AXES - 2) for axis in order)
        return (*shape[:2], 1, shape[2]), (first, second, 2, third)
    if len(shape) == AXES + 1:
        shape, order = _without_one(shape, order)
    return (tuple(shape), tuple(order)) if len(shape) == AXES else None


def _without_one(shape: Sequence[int], order: Sequence[int]) -> tuple[list[int], list[int]]:
    """An axis less, if one may be left out."""
    if 1 in shape:
        gone = list(shape).index(1)
        sizes = [size for axis, size in enumerate(shape) if axis != gone]
        return sizes, [axis - (axis > gone) for axis in order if axis != gone]
    for axis, following in pairwise(order):
        if following == axis + 1:
            joined = [*shape[:axis], shape[axis] * shape[following], *shape[following + 1 :]]
            return joined, [other - (other > axis) for other in order if other != following]
    return list(shape), list(order)


def order_of(node: ir.Node, rank: int) -> tuple[int, ...]:
    """The order of a Transpose: reversed where it has none."""
    return tuple(node.attributes.get_ints("perm", ())) or tuple(reversed(range(rank)))
