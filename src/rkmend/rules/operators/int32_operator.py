"""RKM207: operators that go wrong on int32 only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rkmend.rules.base import Exactness, Fact, Level
from rkmend.rules.operands import constant_of, is_constant
from rkmend.rules.operator import OperatorRule
from rkmend.rules.replacement import Replacement
from rkmend.targets import Target

if TYPE_CHECKING:
    import onnx_ir as ir

WITH_CONSTANT = frozenset({"BitwiseAnd", "BitwiseOr", "BitwiseXor", "Clip"})
"""These fail only when one of their operands is constant."""


class Int32Operator(OperatorRule):
    """An operator that the toolkit gets right for int64 but not for int32.

    ## What happens

    `build` dies with SIGFPE after

        E RKNN: dataconvert type -1 is unsupport in current!

    on Where, and raises on Clip and on bitwise operators with a constant operand:

        Type Error: Type parameter (T) of Optype (Clip) bound to different types (tensor(int32) and tensor(int64)

    ## Why

    The toolkit turns int32 constants into int64 ones without the tensors they are combined with.

    ## Example

    `Where` of two int32 tensors; `Clip` of an int32 tensor to [0, 79].

    ## What rkmend does

    * `int64`: casts to int64 and back.

    ## Exactness and its limits

    Exact: int64 holds every int32, and none of these operators gives a number that int32 does not hold. They run on
    the CPU in either form.

    ## Evidence

    Toolkit 2.3.2, rk3588: Where failed in 4 of 4 int32 models and in none of 2 of int64; Clip, BitwiseAnd, BitwiseOr
    and BitwiseXor with a constant failed for int32 and converted for int64. Add, Sub, Mul, Div, Mod, Min, Max, Pow,
    Concat and comparisons with an int32 constant convert.
    """

    code = "RKM207"
    name = "int32-operator"
    level = Level.ERROR
    operators = WITH_CONSTANT | {"Where"}
    mend = "int64"
    summary = "Casts to int64 and back."
    exactness = Exactness.EXACT

    def holds(self, node: ir.Node, target: Target) -> Mapping[str, Fact] | None:
        """Where it gives int32, from a constant where that is what matters."""
        import onnx_ir as ir

        if node.outputs[0].dtype != ir.DataType.INT32:
            return None
        return {} if any(map(is_constant, node.inputs)) or node.op_type not in WITH_CONSTANT else None

    def message(self, node: ir.Node, facts: Mapping[str, Fact]) -> str:
        """See `OperatorRule.message`."""
        return f"{node.op_type} '{node.name}' is of int32; the toolkit gets it right for int64 only."

    def rewrite(self, node: ir.Node, new: Replacement) -> Sequence[ir.Value | None]:
        """Cast, the operator, Cast."""
        import numpy as np
        import onnx_ir as ir

        def wide(value: ir.Value | None) -> ir.Value | None:
            if value is None or value.dtype != ir.DataType.INT32:
                return value
            array = constant_of(value)
            if array is not None:
                return new.constant("constant", array.astype(np.int64))
            return new.node("wide", "Cast", [value], {"to": int(ir.DataType.INT64)})

        made = new.node(node.op_type.lower(), node.op_type, [*map(wide, node.inputs)], node.attributes)
        return [new.node("narrow", "Cast", [made], {"to": int(ir.DataType.INT32)})]
