"""RKM208: BatchNormalization whose parameters the model computes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rkmend.rules.base import Exactness, Fact, Level
from rkmend.rules.operands import is_constant
from rkmend.rules.operator import OperatorRule
from rkmend.rules.operators.per_channel import along_channels, rank_of
from rkmend.rules.replacement import Replacement
from rkmend.targets import Target

if TYPE_CHECKING:
    import onnx_ir as ir

PARAMETERS = ("scale", "bias", "mean", "variance")


class BatchNormParameters(OperatorRule):
    """A BatchNormalization whose scale, bias, mean or variance is not a constant of the model.

    ## What happens

    `build` dies with SIGSEGV in `RKNNBnQuant`, or raises:

        TypeError: unsupported operand type(s) for /: 'NoneType' and 'float'

    ## Why

    The toolkit computes a factor and an offset per channel from the parameters while it builds the model, and looks for
    them among the constants only.

    ## Example

    `BatchNormalization` whose scale and bias come from another layer (conditional normalisation).

    ## What rkmend does

    * `mul-add`: computes factor and offset per channel in the model, then multiplies and adds.

    ## Exactness and its limits

    `rounding`: the same numbers in another order.

    ## Evidence

    Toolkit 2.3.2, rk3588: two backend tests of ONNX and a model with a computed scale. With constants it converts.
    """

    code = "RKM208"
    name = "batch-norm-parameters"
    level = Level.ERROR
    operators = frozenset({"BatchNormalization"})
    mend = "mul-add"
    summary = "Computes factor and offset of each channel, then multiplies and adds."
    exactness = Exactness.ROUNDING

    def holds(self, node: ir.Node, target: Target) -> Mapping[str, Fact] | None:
        """Outside of training, where a parameter is not constant."""
        if node.attributes.get_int("training_mode", 0) or len(node.outputs) > 1:
            return None
        computed = [
            name for name, value in zip(PARAMETERS, node.inputs[1:], strict=True) if not is_constant(value)
        ]
        return {"computed": " ".join(computed)} if computed else None

    def message(self, node: ir.Node, facts: Mapping[str, Fact]) -> str:
        """See `OperatorRule.message`."""
        return f"BatchNormalization '{node.name}' computes its {facts['computed']}; the toolkit takes constants only."

    def rewrite(self, node: ir.Node, new: Replacement) -> Sequence[ir.Value | None]:
        """Factor and offset, Mul and Add."""
        import numpy as np

        value = node.inputs[0]
        rank = rank_of(value)
        scale, bias, mean, variance = (
            along_channels(new, name, parameter, rank)
            for name, parameter in zip(PARAMETERS, node.inputs[1:], strict=True)
        )
        assert variance.dtype is not None
        epsilon = np.array([node.attributes.get_float("epsilon", 1e-5)], variance.dtype.numpy())
        shifted = new.node("shifted", "Add", [variance, new.constant("epsilon", epsilon)])
        factor = new.node("factor", "Div", [scale, new.node("deviation", "Sqrt", [shifted])])
        offset = new.node("offset", "Sub", [bias, new.node("moved", "Mul", [mean, factor])])
        return [new.node("normalised", "Add", [new.node("scaled", "Mul", [value, factor]), offset])]
