"""Operators whose attributes became inputs in a later opset, in the form of the model's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rkmend.rules.replacement import Replacement

if TYPE_CHECKING:
    import onnx_ir as ir


def split(
    new: Replacement, part: str, value: ir.Value, axis: int, sizes: Sequence[int]
) -> tuple[ir.Value, ...]:
    """Split into pieces of these sizes."""
    import numpy as np

    if len(sizes) == 1:
        return (value,)
    if new.opset < 13:
        given, attributes = [value], {"axis": axis, "split": list(sizes)}
    else:
        given = [value, new.constant(f"{part}_sizes", np.array(sizes, np.int64))]
        attributes = {"axis": axis}
    return new.nodes(part, "Split", given, attributes, outputs=len(sizes))


def cut(
    new: Replacement, part: str, value: ir.Value, axis: int, start: int, end: int, step: int = 1
) -> ir.Value:
    """Slice of one axis."""
    import numpy as np

    if new.opset < 10:
        return new.node(part, "Slice", [value], {"axes": [axis], "starts": [start], "ends": [end]})
    bounds = {"start": start, "end": end, "axis": axis, "step": step}
    inputs = [new.constant(f"{part}_{name}", np.array([number], np.int64)) for name, number in bounds.items()]
    return new.node(part, "Slice", [value, *inputs])


def reshaped(new: Replacement, part: str, value: ir.Value, shape: Sequence[int]) -> ir.Value:
    """Reshape."""
    import numpy as np

    return new.node(part, "Reshape", [value, new.constant(f"{part}_shape", np.array(shape, np.int64))])


def joined(new: Replacement, part: str, values: Sequence[ir.Value], axis: int) -> ir.Value:
    """Concat, where there is more than one."""
    return values[0] if len(values) == 1 else new.node(part, "Concat", values, {"axis": axis})


def summed(new: Replacement, part: str, value: ir.Value, axes: Sequence[int]) -> ir.Value:
    """ReduceSum over axes, which are dropped."""
    import numpy as np

    if new.opset < 13:
        return new.node(part, "ReduceSum", [value], {"axes": list(axes), "keepdims": 0})
    constant = new.constant(f"{part}_axes", np.array(axes, np.int64))
    return new.node(part, "ReduceSum", [value, constant], {"keepdims": 0})


def clipped(new: Replacement, part: str, value: ir.Value, low: float, high: float) -> ir.Value:
    """Clip."""
    import numpy as np

    if new.opset < 11:
        return new.node(part, "Clip", [value], {"min": low, "max": high})
    dtype = np.float32 if value.dtype is None else value.dtype.numpy()
    bounds = [
        new.constant(f"{part}_{name}", np.array(end, dtype)) for name, end in (("low", low), ("high", high))
    ]
    return new.node(part, "Clip", [value, *bounds])
