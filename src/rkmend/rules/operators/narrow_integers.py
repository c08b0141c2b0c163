"""RKM205: integers of dtypes that the toolkit does not compute in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rkmend.rules.base import Exactness, Finding
from rkmend.rules.operators.widening import UNSIGNED, needs_wide_form, wide_form, widen, widenable
from rkmend.rules.single_mend import SingleMend
from rkmend.targets import Target
from rkmend.toolkit.verdict import Outcome, Verdict

if TYPE_CHECKING:
    import onnx_ir as ir

WITHOUT_KERNEL = frozenset({"Add", "Clip", "Div", "Max", "Min", "Mul", "Neg", "Relu", "Sub", "Sum"})
WITHOUT_KERNEL |= {"Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"}
WITHOUT_KERNEL |= {"BitwiseAnd", "BitwiseOr", "BitwiseXor"}
"""Operators that fail on int8 or int16 as well."""


class NarrowIntegers(SingleMend):
    """Arithmetic on uint8, uint16, uint32, uint64, int8 or int16.

    ## What happens

    `build` aborts wherever an unsigned tensor is in the graph, a graph input included:

        E RKNN: Not Support Dtype: 2. please check precision!

    and for int8 and int16 arithmetic and comparisons it raises or dies with SIGSEGV:

        ONNXRuntimeError : 9 : NOT_IMPLEMENTED : Could not find an implementation for Add(14)

    ## Why

    The compiler has no unsigned tensors, and the ONNX Runtime in the toolkit, which folds constants, has no such
    kernels.

    ## Example

    A uint8 image input followed by Cast; `Max` of two int8 tensors.

    ## What rkmend does

    * `widen`: computes in int32, and in int64 for uint32 and uint64. A result that may leave the range of the narrow
      dtype is wrapped round with Mod, as it is there. Inputs and outputs of the model get the wider dtype, too: feed
      the same values. Operators that are about quantisation stay as they are.

    ## Exactness and its limits

    Exact, except for uint64 values of 2**63 and more, which int64 does not hold. What ONNX does not define (a float
    that is cast to an integer dtype that does not hold it, a shift by more than the dtype has bits) may come out
    otherwise. Integers are computed on the CPU; where they enter the NPU, in fp16, only those up to 2048 are exact.

    ## Evidence

    Toolkit 2.3.2, rk3588: 70 of 73 models with an unsigned tensor failed (BitShift and Mod of one axis of uint8
    converted), and 28 of 39 of int8 or int16; int32 and int64 convert.
    """

    code = "RKM205"
    name = "narrow-integers"
    mend = "widen"
    summary = "Computes in int32 or int64 and wraps results round as the narrow dtype does."
    exactness = Exactness.EXACT

    def find(self, model: ir.Model, target: Target) -> Iterator[Finding]:
        """The model as a whole, where it computes in such a dtype."""
        values = widenable(model)
        failing = {
            dtype.name.lower()
            for value, dtype in values.items()
            if dtype.name in UNSIGNED or any(use.node.op_type in WITHOUT_KERNEL for use in value.uses())
        }
        if failing:
            listed = " ".join(sorted(failing))
            message = f"The model computes in {listed}; the toolkit does so in int32 and int64 only."
            yield Finding(self.code, self.name, (), {"dtypes": listed}, message)

    def recognises(self, verdict: Verdict) -> bool:
        """Any failure to build: the messages are many."""
        return verdict.outcome in (Outcome.REJECTED, Outcome.ABORTED)

    def change(self, model: ir.Model, finding: Finding) -> None:
        """The wider dtypes."""
        values = widenable(model)
        wrapped = [
            (node, values[node.outputs[0]])
            for node in model.graph
            if node.outputs and node.outputs[0] in values and needs_wide_form(node, values[node.outputs[0]])
        ]
        for value, dtype in values.items():
            widen(value, dtype)
        for node, dtype in wrapped:
            new = self.replacement(node)
            new.finish(wide_form(node, dtype, new))
