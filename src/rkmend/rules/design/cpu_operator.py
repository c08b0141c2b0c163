"""RKM601: operators that the compiler leaves to the CPU."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rkmend.graph.values import static_shape
from rkmend.rules.base import Fact, Level
from rkmend.rules.design_rule import DesignRule
from rkmend.rules.lite import LITE
from rkmend.rules.operands import number_of
from rkmend.targets import Target

if TYPE_CHECKING:
    import onnx_ir as ir

INSTEAD = {
    "Min": "Clip, or Neg, Max and Neg",
    "Mish": "x * Tanh(Softplus(x)) in single operators, which is fused into the Conv before",
    "ReduceMax": "GlobalMaxPool, where it is over height and width",
    "ReduceSumSquare": "Mul by itself, then ReduceSum",
    "SpaceToDepth": "a Conv of kernel and stride 2 with ones in its weights",
}
"""What stays on the NPU and computes the same."""

_FUNCTIONS = frozenset(
    {
        "Acos",
        "Acosh",
        "Asin",
        "Asinh",
        "Atan",
        "Atanh",
        "Ceil",
        "Celu",
        "Cos",
        "Cosh",
        "Erf",
        "Exp",
        "Floor",
        "Log",
        "Mish",
        "Reciprocal",
        "Round",
        "Selu",
        "Shrink",
        "Sign",
        "Sin",
        "Sinh",
        "Softsign",
        "Tan",
    }
)
_COMPARISONS = frozenset(
    {
        "And",
        "Equal",
        "Greater",
        "GreaterOrEqual",
        "IsInf",
        "IsNaN",
        "Less",
        "LessOrEqual",
        "Min",
        "Not",
        "Or",
        "Xor",
    }
)
_REDUCTIONS = frozenset(
    {
        "ArgMax",
        "ArgMin",
        "GlobalLpPool",
        "ReduceL1",
        "ReduceLogSum",
        "ReduceLogSumExp",
        "ReduceMax",
        "ReduceMin",
        "ReduceProd",
        "ReduceSumSquare",
        "TopK",
    }
)
_MOVES = frozenset(
    {
        "GridSample",
        "MaxUnpool",
        "NonZero",
        "OneHot",
        "RoiAlign",
        "ScatterElements",
        "ScatterND",
        "SpaceToDepth",
        "Tile",
    }
)
_NORMALISATIONS = frozenset({"GroupNormalization", "LRN", "LogSoftmax"})
_LITE = frozenset({"Hardmax", "MatMul", "Softmax"})
"""On RK3566 and RK3568 only."""
ON_THE_CPU = _FUNCTIONS | _COMPARISONS | _REDUCTIONS | _MOVES | _NORMALISATIONS


class CpuOperator(DesignRule):
    """An operator that the NPU has no kernel for.

    ## What happens

    The model converts, and the layer table says `CPU` for the operator. The runtime waits for the NPU, has the feature
    map converted from its layout and back, and computes the operator on one core of the CPU.

    ## Why

    The NPU multiplies and accumulates, adds and multiplies maps element by element, pools, and looks functions of one
    number up in a table. The compiler has tables for some functions (Sigmoid, Tanh, HardSwish, Softplus, Elu) and
    none for others, and reduces by sums and means only.

    ## Example

    `Mish` as one operator is left to the CPU. Written as x * Tanh(Softplus(x)) it is fused into the Conv before it.

    ## What rkmend does

    It names the operator and, where there is one, a form that stays on the NPU. Nothing is changed: the model is right
    as it is.

    ## Exactness and its limits

    A property of the operator, whatever its sizes. Erf in a GELU and Exp in a softmax, written in single operators, are
    recognised by the toolkit and not reported. Constant parts are folded and not reported. Whether the CPU is too slow
    for it is another question: for a few numbers at the end of a network it is not.

    ## Evidence

    Toolkit 2.3.2, rk3588 and rk3566, fp16: every one of these operators between two Convs on 16x32x32, by the layer
    table; Asinh, GroupNormalization, IsNaN, LessOrEqual, MaxUnpool, Or, RoiAlign, ScatterElements and Shrink by the
    tables of models that were reported; Acosh, Atanh, And, ArgMin, GreaterOrEqual, IsInf, NonZero and Xor because their
    siblings are; Equal, Less, Not and OneHot on rk3588 only. On rk3566 Hardmax, Softmax (120 of 120 random ones) and
    MatMul (134 of 134 of more than one row and column; vectors are Convs and Muls) as well. On the NPU in the same
    trials on rk3588, although one might not expect it: Softplus, HardSigmoid, HardSwish, Elu, Pow, Sqrt, Hardmax, LSTM,
    GRU, Max, ReduceL2, Gather, Pad reflect and edge, Where (but the comparison before it is not).
    """

    code = "RKM601"
    name = "cpu-operator"
    level = Level.WARNING
    operators = ON_THE_CPU | _LITE

    def holds(self, node: ir.Node, target: Target) -> Mapping[str, Fact] | None:
        """Not where it is part of a pattern, of the constants, or of arithmetic on shapes."""
        if node.op_type in _LITE and (target.name not in LITE or _by_a_vector(node)):
            return None
        if all(value.const_value is not None for value in node.outputs if value.name):
            return None
        if not any(value is not None and _may_be_float(value) for value in node.inputs):
            return None
        readers = [use.node for use in node.outputs[0].uses()]
        if node.op_type == "Erf" and any(_adds_one(reader) for reader in readers):
            return None
        if node.op_type == "Exp" and any(reader.op_type == "ReduceSum" for reader in readers):
            return None
        return {"operator": node.op_type}

    def message(self, node: ir.Node, facts: Mapping[str, Fact]) -> str:
        """With the form that stays on the NPU."""
        instead = INSTEAD.get(node.op_type)
        advice = f" On the NPU: {instead}." if instead else ""
        return f"{node.op_type} '{node.name}' runs on the CPU: the NPU has no kernel for it.{advice}"


def _by_a_vector(node: ir.Node) -> bool:
    """Whether it is a MatMul of one column, or of one row of fewer than four axes."""
    shape = static_shape(node.inputs[0])
    if node.op_type != "MatMul" or shape is None or len(shape) < 2:
        return False
    return shape[-1] == 1 or (shape[-2] == 1 and len(shape) < 4)


def _may_be_float(value: ir.Value) -> bool:
    return value.dtype is None or value.dtype.is_floating_point() or value.dtype.name == "BOOL"


def _adds_one(node: ir.Node) -> bool:
    return node.op_type == "Add" and any(number_of(value) == 1 for value in node.inputs)
