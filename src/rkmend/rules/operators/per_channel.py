"""Parameters of a feature map per channel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rkmend.rules.base import CannotApply
from rkmend.rules.forms import reshaped
from rkmend.rules.operands import constant_of

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
    assert value is not None
    shape = [1, -1, *[1] * (rank - 2)]
    array = constant_of(value)
    if array is not None:
        return new.constant(part, array.reshape(shape))
    return reshaped(new, part, value, shape)
