"""The operators that compute with integers of a constant scale, and which of their inputs are what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rkmend.rules.nodes import kind_of

if TYPE_CHECKING:
    import onnx_ir as ir


@dataclass(frozen=True)
class Form:
    """What an operator does with integers that stand for floats.

    Attributes:
        floats: The operator that does it with floats.
        operands: Place of each input that is an integer tensor; its scale and zero point come behind it.
        output: Place of the scale of the output; its zero point comes behind it.
        bias: Place of an int32 bias whose scale is the product of those of the operands.
    """

    floats: str
    operands: tuple[int, ...]
    output: int
    bias: int | None = None


FORMS = {
    "QLinearConv": Form("Conv", (0, 3), 6, bias=8),
    "QLinearMatMul": Form("MatMul", (0, 3), 6),
    "com.microsoft::QGemm": Form("Gemm", (0, 3), 7, bias=6),
    "com.microsoft::QLinearAdd": Form("Add", (0, 3), 6),
    "com.microsoft::QLinearAveragePool": Form("AveragePool", (0,), 3),
    "com.microsoft::QLinearGlobalAveragePool": Form("GlobalAveragePool", (0,), 3),
    "com.microsoft::QLinearLeakyRelu": Form("LeakyRelu", (0,), 3),
    "com.microsoft::QLinearMul": Form("Mul", (0, 3), 6),
    "com.microsoft::QLinearSigmoid": Form("Sigmoid", (0,), 3),
    "com.microsoft::QLinearSoftmax": Form("Softmax", (0,), 3),
}
CONCAT = "com.microsoft::QLinearConcat"
MOVES = frozenset(
    {"DepthToSpace", "Flatten", "MaxPool", "Reshape", "Slice", "SpaceToDepth", "Squeeze", "Transpose"}
)
MOVES |= {"Unsqueeze"}
"""Operators that only choose among the elements of their first input, so that scale and zero point stay."""


def form_of(node: ir.Node) -> Form | None:
    """The form of an operator; None where it has none."""
    kind = kind_of(node)
    if kind == CONCAT:
        return Form("Concat", tuple(range(2, len(node.inputs), 3)), 0)
    return FORMS.get(kind)
