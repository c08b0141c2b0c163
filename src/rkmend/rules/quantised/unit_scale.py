"""QuantizeLinear and DequantizeLinear with a scale of 1."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import onnx_ir as ir

    from rkmend.rules.replacement import Replacement

TIES = 2.0**-6
"""Largest root mean square of the difference, relative to that of the output, that numbers rounded to the other side
of a tie may make: if every element were one step of 255 off, that would be 2^-7 of a signal of half the range."""


def rounded(
    new: Replacement, part: str, value: ir.Value, steps: np.dtype[Any], floats: np.dtype[Any]
) -> ir.Value:
    """QuantizeLinear with a scale of 1 and the zero point 0: rounds and saturates."""
    return new.node(part, "QuantizeLinear", [value, *_unit(new, part, steps, floats)])


def as_floats(
    new: Replacement, part: str, value: ir.Value, steps: np.dtype[Any], floats: np.dtype[Any]
) -> ir.Value:
    """DequantizeLinear with a scale of 1 and the zero point 0: the toolkit has no Cast from unsigned integers."""
    return new.node(part, "DequantizeLinear", [value, *_unit(new, part, steps, floats)])


def _unit(
    new: Replacement, part: str, steps: np.dtype[Any], floats: np.dtype[Any]
) -> tuple[ir.Value, ir.Value]:
    import numpy as np

    one, zero = np.ones((), floats), np.zeros((), steps)
    return new.constant(f"{part}_one", one), new.constant(f"{part}_zero", zero)
