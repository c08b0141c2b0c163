"""Operators in the form of the model's operator set: bounds, sizes and axes were attributes and became inputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rkmend.rules.base import CannotApply

if TYPE_CHECKING:
    import numpy as np
    import onnx_ir as ir

    from rkmend.rules.replacement import Replacement


def reshaped(new: Replacement, part: str, value: ir.Value, shape: Sequence[int]) -> ir.Value:
    """Reshape."""
    return new.node(part, "Reshape", [value, _integers(new, f"{part}_shape", shape)])


def unsqueezed(new: Replacement, part: str, value: ir.Value, axis: int) -> ir.Value:
    """Unsqueeze: one axis more."""
    if new.opset < 13:
        return new.node(part, "Unsqueeze", [value], {"axes": [axis]})
    return new.node(part, "Unsqueeze", [value, _integers(new, f"{part}_axes", [axis])])


def cut(
    new: Replacement, part: str, value: ir.Value, axis: int, start: int, end: int, step: int = 1
) -> ir.Value:
    """Slice of one axis."""
    return sliced(new, part, value, [start], [end], [axis], [] if step == 1 else [step])


def sliced(
    new: Replacement,
    part: str,
    value: ir.Value,
    starts: Sequence[int],
    ends: Sequence[int],
    axes: Sequence[int],
    steps: Sequence[int] = (),
) -> ir.Value:
    """Slice.

    Raises:
        CannotApply: It has steps, which the operator set does not know.
    """
    bounds = {"starts": starts, "ends": ends, "axes": axes}
    if new.opset < 10:
        if steps:
            raise CannotApply("Slice has steps from opset 10 on")
        return new.node(part, "Slice", [value], {name: list(ints) for name, ints in bounds.items()})
    if steps:
        bounds["steps"] = steps
    return new.node(
        part,
        "Slice",
        [value, *(_integers(new, f"{part}_{name}", ints) for name, ints in bounds.items())],
    )


def split(
    new: Replacement, part: str, value: ir.Value, axis: int, sizes: Sequence[int]
) -> tuple[ir.Value, ...]:
    """Split into consecutive pieces of these sizes, where there is more than one."""
    if len(sizes) == 1:
        return (value,)
    if new.opset < 13:
        return new.nodes(part, "Split", [value], {"axis": axis, "split": list(sizes)}, outputs=len(sizes))
    inputs = [value, _integers(new, f"{part}_sizes", sizes)]
    return new.nodes(part, "Split", inputs, {"axis": axis}, outputs=len(sizes))


def joined(new: Replacement, part: str, values: Sequence[ir.Value], axis: int) -> ir.Value:
    """Concat, where there is more than one."""
    return values[0] if len(values) == 1 else new.node(part, "Concat", values, {"axis": axis})


def padded(new: Replacement, part: str, value: ir.Value, pads: Sequence[int]) -> ir.Value:
    """Pad with zeros, where there are any; `pads` begin with those before each axis."""
    if not any(pads):
        return value
    if new.opset < 11:
        return new.node(part, "Pad", [value], {"pads": list(pads)})
    return new.node(part, "Pad", [value, _integers(new, f"{part}_pads", pads)])


def reduced(
    new: Replacement,
    part: str,
    op_type: str,
    value: ir.Value,
    axes: Sequence[int],
) -> ir.Value:
    """A reduction, ReduceMean for example, that keeps its axes with one element each."""
    if new.opset < (13 if op_type == "ReduceSum" else 18):
        return new.node(part, op_type, [value], {"axes": list(axes), "keepdims": 1})
    return new.node(part, op_type, [value, _integers(new, f"{part}_axes", axes)], {"keepdims": 1})


def clipped(
    new: Replacement,
    part: str,
    value: ir.Value,
    low: float,
    high: float,
    dtype: np.dtype[Any] | None = None,
) -> ir.Value:
    """Clip; `dtype` is that of `value`, where the one that is noted there is a guess."""
    import numpy as np

    if new.opset < 11:
        return new.node(part, "Clip", [value], {"min": float(low), "max": float(high)})
    kind = dtype or (np.dtype(np.float32) if value.dtype is None else value.dtype.numpy())
    bounds = {"low": low, "high": high}
    inputs = [new.constant(f"{part}_{name}", np.array(bound, kind)) for name, bound in bounds.items()]
    return new.node(part, "Clip", [value, *inputs])


def _integers(new: Replacement, part: str, numbers: Sequence[int]) -> ir.Value:
    import numpy as np

    return new.constant(part, np.array(numbers, np.int64))
