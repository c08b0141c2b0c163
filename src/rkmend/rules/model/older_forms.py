"""Older forms: what an operator of a newer opset is made of in an older one."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from rkmend.rules.replacement import Replacement

if TYPE_CHECKING:
    import onnx_ir as ir


def gelu(node: ir.Node, new: Replacement) -> ir.Value:
    """X / 2 * (1 + erf(x / sqrt 2)), or the form with tanh (definition of Gelu, opset 20)."""
    import numpy as np

    data = node.inputs[0]
    dtype = data.dtype.numpy() if data is not None and data.dtype is not None else np.dtype(np.float32)

    def number(part: str, value: float) -> ir.Value:
        return new.constant(part, np.array(value, dtype))

    half = new.node("half", "Mul", [data, number("a_half", 0.5)])
    if node.attributes.get_string("approximate", "none") == "none":
        scaled = new.node("scaled", "Mul", [data, number("root", math.sqrt(0.5))])
        curve = new.node("erf", "Erf", [scaled])
    else:
        square = new.node("square", "Mul", [data, data])
        cube = new.node("cube", "Mul", [square, data])
        bent = new.node("bent", "Add", [data, new.node("small", "Mul", [cube, number("c", 0.044715)])])
        curve = new.node(
            "tanh", "Tanh", [new.node("scaled", "Mul", [bent, number("root", math.sqrt(2 / math.pi))])]
        )
    return new.node("gelu", "Mul", [half, new.node("one_more", "Add", [curve, number("one", 1.0)])])


OLDER_FORMS: dict[str, Callable[[ir.Node, Replacement], ir.Value]] = {"Gelu": gelu}
"""By operator type; each has one output, and the same in real arithmetic."""
