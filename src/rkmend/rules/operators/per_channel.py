"""Statistics and parameters of a feature map per channel, in older operators."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rkmend.graph.values import static_shape
from rkmend.rules.base import CannotApply

if TYPE_CHECKING:
    import onnx_ir as ir

    from rkmend.rules.replacement import Replacement


def rank_of(value: ir.Value | None) -> int:
    """Number of axes; `CannotApply` where it is not known."""
    if value is None or value.shape is None:
        raise CannotApply("the number of axes of its input is not known")
    return len(value.shape)


def along_channels(new: Replacement, part: str, value: ir.Value | None, rank: int) -> ir.Value:
    """A vector with one number per channel, in a shape that broadcasts along axis 1."""
    import numpy as np
    import onnx_ir as ir

    assert value is not None
    shape = [1, -1, *[1] * (rank - 2)]
    tensor = ir.convenience.get_const_tensor(value)
    if tensor is not None:
        return new.constant(part, tensor.numpy().reshape(shape))
    return new.node(part, "Reshape", [value, new.constant(f"{part}_shape", np.array(shape, np.int64))])


def mean_over(new: Replacement, part: str, value: ir.Value, axes: Sequence[int]) -> ir.Value:
    """ReduceMean that keeps the axes; they became an input with opset 18."""
    import numpy as np

    if new.opset < 18:
        return new.node(part, "ReduceMean", [value], {"axes": list(axes), "keepdims": 1})
    return new.node(part, "ReduceMean", [value, new.constant(f"{part}_axes", np.array(axes, np.int64))])


def flat_vector(new: Replacement, part: str, value: ir.Value) -> ir.Value:
    """One number per channel as a vector again."""
    import numpy as np

    return new.node(part, "Reshape", [value, new.constant(f"{part}_shape", np.array([-1], np.int64))])


def size_of(value: ir.Value | None) -> tuple[int, ...]:
    """The shape; `CannotApply` where it is not known."""
    shape = static_shape(value)
    if shape is None:
        raise CannotApply("the shape of its input is not known")
    return shape
