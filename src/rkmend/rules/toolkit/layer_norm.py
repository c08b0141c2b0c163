"""RKM502: LayerNormalization that leaves out an attribute, or gives out its statistics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rkmend.graph.surgery import is_read
from rkmend.rules.base import CannotApply, Exactness, Fact, Level
from rkmend.rules.forms import reduced
from rkmend.rules.operator import OperatorRule
from rkmend.rules.replacement import Replacement
from rkmend.targets import Target

if TYPE_CHECKING:
    import onnx_ir as ir

DEFAULTS = {"axis": -1, "epsilon": 1e-5}


class LayerNormForm(OperatorRule):
    """LayerNormalization without `axis` or `epsilon`, or with its mean or deviation as a further output.

    ## What happens

    `build` raises, in the rule `convert_layernorm_to_exnorm` for an attribute, in `fold_constant` for an output:

        KeyError: 'LayerNormalization'

    or it exports a file in which the further outputs are missing and the others are empty.

    ## Why

    Both attributes are optional in ONNX; the toolkit reads them as if they were always there. Its own operator for the
    normalisation has one output.

    ## Example

    `LayerNormalization(x, scale, bias)` without attributes; one whose `Mean` is read by another operator.

    ## What rkmend does

    * `full-form`: writes out the default attributes and computes Mean and InvStdDev by ReduceMean beside it.

    ## Exactness and its limits

    `rounding`: the statistics are summed in another order. The attributes by themselves change nothing.

    ## Evidence

    Toolkit 2.3.2 and 2.5.0, rk3588: each attribute left out fails by itself; with both the operator converts, on any
    axis, with and without bias.
    """

    code = "RKM502"
    name = "layer-norm-form"
    level = Level.ADVICE
    operators = frozenset({"LayerNormalization"})
    mend = "full-form"
    summary = "Writes out the default attributes and computes the further outputs by ReduceMean."
    exactness = Exactness.ROUNDING

    def holds(self, node: ir.Node, target: Target) -> Mapping[str, Fact] | None:
        """Where an attribute is left out or a further output is read."""
        missing = [name for name in DEFAULTS if name not in node.attributes]
        outputs = sum(is_read(value) for value in node.outputs[1:])
        return {"left_out": " ".join(missing), "statistics": outputs} if missing or outputs else None

    def message(self, node: ir.Node, facts: Mapping[str, Fact]) -> str:
        """See `OperatorRule.message`."""
        parts = [f"leaves out {facts['left_out']}"] if facts["left_out"] else []
        parts += [f"gives out {facts['statistics']} of its statistics"] if facts["statistics"] else []
        return f"LayerNormalization '{node.name}' {' and '.join(parts)}."

    def rewrite(self, node: ir.Node, new: Replacement) -> Sequence[ir.Value | None]:
        """The operator with both attributes; Mean and InvStdDev where they are read."""
        value = node.inputs[0]
        assert value is not None and value.shape is not None
        axis, epsilon = (node.attributes.get_int("axis", -1), node.attributes.get_float("epsilon", 1e-5))
        kept = {name: attribute for name, attribute in node.attributes.items() if name not in DEFAULTS}
        result = new.node("norm", node.op_type, node.inputs, {"axis": axis, "epsilon": epsilon, **kept})
        read = [is_read(output) for output in node.outputs[1:]] + [False, False]
        if not any(read):
            return [result, *(None for _ in node.outputs[1:])]
        if value.dtype is None or value.dtype.name != "FLOAT":
            raise CannotApply("its statistics have another dtype than its input")
        axes = list(range(axis % len(value.shape), len(value.shape)))
        average = reduced(new, "mean", "ReduceMean", value, axes)
        statistics = [average, _inverse_deviation(new, value, average, axes, epsilon) if read[1] else None]
        return [result, *statistics[: len(node.outputs) - 1]]


def _inverse_deviation(
    new: Replacement, value: ir.Value, average: ir.Value, axes: list[int], epsilon: float
) -> ir.Value:
    import numpy as np

    centred = new.node("centred", "Sub", [value, average])
    variance = reduced(new, "variance", "ReduceMean", new.node("square", "Mul", [centred, centred]), axes)
    shift = new.constant("epsilon", np.array([epsilon], np.float32))
    deviation = new.node("deviation", "Sqrt", [new.node("shifted", "Add", [variance, shift])])
    return new.node("inverse", "Reciprocal", [deviation])
