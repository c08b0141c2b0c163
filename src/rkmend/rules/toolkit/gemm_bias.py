"""RKM505: Gemm with a bias that is no constant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rkmend.rules.base import Exactness, Fact, Level
from rkmend.rules.operands import is_constant, operand
from rkmend.rules.operator import OperatorRule
from rkmend.rules.replacement import Replacement
from rkmend.targets import Target

if TYPE_CHECKING:
    import onnx_ir as ir


class GemmBias(OperatorRule):
    """Gemm whose bias is computed or fed, and has another shape than the result or one row of it.

    ## What happens

    `build` raises one of

        InvalidArgument: [ONNXRuntimeError] : 2 : INVALID_ARGUMENT : Invalid rank for input: b Got: 1 Expected: 2
        AttributeError: 'NoneType' object has no attribute 'reshape'

    ## Why

    The toolkit brings every bias to two axes: it reshapes a constant, and takes the others for matrices as they are.

    ## Example

    `Gemm(x, w, b)` where `b` is a graph input of shape `[8]`, as in networks whose weights come from another network.

    ## What rkmend does

    * `add-bias`: adds the bias, times `beta`, by an operator of its own.

    ## Exactness and its limits

    `rounding`: the bias is added after the sum is rounded.

    ## Evidence

    Toolkit 2.3.2, rk3588: of a bias that is fed, `[8]`, `[1]`, `[1, 1]` and `[4, 1]` fail for a result of `[4, 8]`,
    `[1, 8]` and `[4, 8]` convert; constants convert in all of these shapes. 2.5.0 fails on `[8]` as well.
    """

    code = "RKM505"
    name = "gemm-bias"
    level = Level.ERROR
    operators = frozenset({"Gemm"})
    mend = "add-bias"
    summary = "Adds the bias by an operator of its own."
    exactness = Exactness.ROUNDING

    def holds(self, node: ir.Node, target: Target) -> Mapping[str, Fact] | None:
        """Where the bias is no constant, and neither the whole result nor one row of it."""
        bias, result = operand(node, 2), node.outputs[0].shape
        if bias is None or bias.shape is None or result is None or is_constant(bias):
            return None
        if list(bias.shape) in (list(result), [1, result[1]]):
            return None
        return {"bias": "x".join(map(str, bias.shape)) or "scalar"}

    def message(self, node: ir.Node, facts: Mapping[str, Fact]) -> str:
        """See `OperatorRule.message`."""
        return f"The bias of Gemm '{node.name}' is no constant and has the shape {facts['bias']}."

    def rewrite(self, node: ir.Node, new: Replacement) -> Sequence[ir.Value | None]:
        """Gemm without bias, and Add."""
        import numpy as np

        left, right, bias = node.inputs
        assert bias is not None and bias.dtype is not None
        attributes = {name: value for name, value in node.attributes.items() if name != "beta"}
        beta = node.attributes.get_float("beta", 1.0)
        if new.opset < 11:  # the bias was no option then
            assert node.outputs[0].shape is not None
            zeros = np.zeros((1, node.outputs[0].shape.numpy()[1]), bias.dtype.numpy())
            product = new.node("product", "Gemm", [left, right, new.constant("zeros", zeros)], attributes)
        else:
            product = new.node("product", "Gemm", [left, right], attributes)
        if beta != 1.0:
            factor = new.constant("beta", np.array([beta], bias.dtype.numpy()))
            bias = new.node("scaled", "Mul", [bias, factor])
        return [new.node("sum", "Add", [product, bias])]
