"""What fp16 rounding alone does to a model: it is run with every tensor rounded as an fp16 NPU rounds it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rkmend.verification.rounding import chance, rounded

if TYPE_CHECKING:
    import onnx_ir as ir

JITTER = 2.0**-12
"""Half a unit in the last place of fp16, relative to the smallest mantissa: a value is moved by up to this before it is
rounded, so that one which fp16 holds exactly stays and any other goes up or down by chance."""


def in_half(model: ir.Model, seed: int = 0, *, wide: bool = False) -> ir.Model:
    """A copy whose float tensors are rounded to fp16 after each operator, and its weights; sums stay in float32.

    What is beyond the largest number of fp16 becomes infinite, as there.

    Args:
        model: With inferred shapes. Interface and names of inputs and outputs stay.
        seed: Of the chance that decides which way a number is rounded, see `JITTER`; 0 rounds to the nearest.
        wide: Leave what is beyond fp16 as it is.
    """
    import onnx_ir as ir

    def nodes(value: ir.Value, number: int) -> list[ir.Node]:
        assert value.dtype is not None
        made = [ir.node("Cast", [value], {"to": ir.DataType.FLOAT})]
        if seed:
            made.append(chance(value, number, seed, 1 - JITTER, 1 + JITTER))
            made.append(ir.node("Mul", [made[0].outputs[0], made[1].outputs[0]]))
        exact = made[-1].outputs[0]
        made.append(ir.node("Cast", [exact], {"to": ir.DataType.FLOAT16}))
        if wide:
            made.append(ir.node("Cast", [made[-1].outputs[0]], {"to": ir.DataType.FLOAT}))
            made.append(ir.node("IsInf", [made[-1].outputs[0]]))
            made.append(ir.node("Where", [made[-1].outputs[0], exact, made[-2].outputs[0]]))
        made.append(ir.node("Cast", [made[-1].outputs[0]], {"to": value.dtype}))
        return made

    return rounded(model, _halved, nodes)


def _halved(value: ir.Value) -> np.ndarray[Any, np.dtype[Any]]:
    assert value.const_value is not None
    array = value.const_value.numpy()
    with np.errstate(over="ignore"):
        return array.astype(np.float16).astype(array.dtype)
