"""Nodes that put elements elsewhere, in the form that the model's operator set wants."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx_ir as ir

    from rkmend.rules.replacement import Replacement


def reshape(new: Replacement, part: str, value: ir.Value, shape: Sequence[int]) -> ir.Value:
    """The same elements in another shape."""
    import numpy as np

    return new.node(part, "Reshape", [value, new.constant(f"{part}_shape", np.array(shape, np.int64))])


def take(
    new: Replacement,
    part: str,
    value: ir.Value,
    starts: Sequence[int],
    ends: Sequence[int],
    axes: Sequence[int],
) -> ir.Value:
    """The elements from `starts` to `ends` along `axes`."""
    import numpy as np

    bounds = {"starts": starts, "ends": ends, "axes": axes}
    if new.opset < 10:
        return new.node(part, "Slice", [value], bounds)
    constants = [new.constant(f"{part}_{name}", np.array(ints, np.int64)) for name, ints in bounds.items()]
    return new.node(part, "Slice", [value, *constants])


def pad_zeros(new: Replacement, part: str, value: ir.Value, pads: Sequence[int]) -> ir.Value:
    """Zeros around; `pads` as in the attribute of Conv, but for all axes."""
    import numpy as np

    if not any(pads):
        return value
    if new.opset < 11:
        return new.node(part, "Pad", [value], {"pads": pads})
    return new.node(part, "Pad", [value, new.constant(f"{part}_pads", np.array(pads, np.int64))])


def split(
    new: Replacement, part: str, value: ir.Value, sizes: Sequence[int], axis: int
) -> tuple[ir.Value, ...]:
    """Consecutive parts along an axis."""
    import numpy as np

    if new.opset < 13:
        return new.nodes(part, "Split", [value], {"axis": axis, "split": sizes}, outputs=len(sizes))
    constant = new.constant(f"{part}_sizes", np.array(sizes, np.int64))
    return new.nodes(part, "Split", [value, constant], {"axis": axis}, outputs=len(sizes))


def even_parts(size: int, most: int) -> list[int]:
    """As few nearly equal parts of at most `most` as add up to `size`."""
    count = -(-size // most)
    return [size // count + (number < size % count) for number in range(count)]


def two_factors(size: int, most: int) -> tuple[int, int] | None:
    """Height and width with this many elements, as square as possible; None unless both are at most `most`."""
    height = next(n for n in range(int(size**0.5), 0, -1) if size % n == 0)
    return (height, size // height) if size // height <= most else None
