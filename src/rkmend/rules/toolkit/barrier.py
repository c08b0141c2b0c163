"""An operator that changes nothing and that the toolkit does not remove: it keeps its two sides apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rkmend.rules.base import CannotApply
from rkmend.rules.forms import clipped
from rkmend.rules.replacement import Replacement

if TYPE_CHECKING:
    import onnx_ir as ir


def barrier(new: Replacement, value: ir.Value) -> ir.Value:
    """Clip between the lowest and the highest number of the dtype.

    Of what leaves numbers as they are, the toolkit removes Identity, `x * 1`, `x + 0` and pairs of Reshape, and runs
    `max(x, x)` on the CPU. This Clip stays, on the NPU.

    Raises:
        CannotApply: The tensor is not of floating point.
    """
    import numpy as np

    if value.dtype is None or value.dtype.name not in ("FLOAT", "FLOAT16"):
        raise CannotApply(f"'{value.name}' is not of floating point")
    limits = np.finfo(value.dtype.numpy())
    kept = clipped(new, "barrier", value, limits.min, limits.max)
    kept.type, kept.shape = value.type, value.shape
    return kept
