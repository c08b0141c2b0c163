"""A MaxPool as several with smaller windows, one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from rkmend.rules.conv.pooling import demand_no_indices, pool_attributes
from rkmend.rules.conv.sliding import Sliding
from rkmend.tiling.conv import Axis

if TYPE_CHECKING:
    import onnx_ir as ir

    from rkmend.rules.replacement import Replacement


def pooled_in_steps(node: ir.Node, new: Replacement, most: int) -> Sequence[ir.Value | None]:
    """The outputs of a MaxPool, by windows that fit into their map and have at most `most` elements along an axis.

    Raises:
        CannotApply: Its indices are read.
    """
    pool = Sliding.read(node)
    assert pool is not None
    demand_no_indices(node)
    value = node.inputs[0]
    for axes in in_steps(pool, most):
        value = new.node("pool", "MaxPool", [value], pool_attributes(axes))
    return [value, *[None] * (len(node.outputs) - 1)]


def in_steps(pool: Sliding, most: int) -> Iterator[tuple[Axis, ...]]:
    """The axes of each of these MaxPools; an axis with fewer steps has them last."""
    steps = [list(_steps(axis, most)) for axis in pool.reaching()]
    for number in reversed(range(max(map(len, steps)))):
        yield tuple(
            parts[-1 - number] if number < len(parts) else Axis(axis.size, 1)
            for parts, axis in zip(steps, pool.axes, strict=True)
        )


def _steps(axis: Axis, most: int) -> Iterator[Axis]:
    """Axes that are slid over one after the other and see together what this one sees.

    Padding counts as minus infinity, and every step has its share of it, less than its kernel.
    """
    rest = axis
    while rest.kernel > min(rest.size, most) and rest.size > 1:
        reach = min(rest.size - 1, rest.kernel // 2, most - 1)
        begin, end = (pad * reach // (rest.kernel - 1) for pad in (rest.pad_begin, rest.pad_end))
        step = Axis(rest.size, reach + 1, pad_begin=begin, pad_end=end)
        yield step
        rest = replace(
            rest,
            size=step.outputs,
            kernel=rest.kernel - reach,
            pad_begin=rest.pad_begin - begin,
            pad_end=rest.pad_end - end,
        )
    yield rest
