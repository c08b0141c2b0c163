"""RKM508: the mean over a feature map that drops its axes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rkmend.graph.values import static_shape
from rkmend.rules.base import Exactness, Fact, Level
from rkmend.rules.forms import reduced, reshaped
from rkmend.rules.operands import axes_as_given, known_shape
from rkmend.rules.operator import OperatorRule
from rkmend.rules.replacement import Replacement
from rkmend.targets import Target

if TYPE_CHECKING:
    import onnx_ir as ir

AXES = [2, 3]
PASSING = frozenset({"Cast", "Dropout", "Flatten", "Identity", "Reshape"})
"""Operators that the toolkit takes out where they change nothing."""


class MapMean(OperatorRule):
    """The mean of each channel over height and width, without those axes, of which something else is computed.

    ## What happens

    `build` raises

        InvalidArgument: [ONNXRuntimeError] : 2 : INVALID_ARGUMENT : Invalid rank for input: a Got: 4 Expected: 2

    ## Why

    The toolkit makes `ReduceMean` over the axes 2 and 3, in this order, a GlobalAveragePool, which keeps the axes, and
    puts nothing behind it that takes them off. What reads the mean gets four axes and was promised two.

    ## Example

    `ReduceMean` of [1, 8, 12, 12] with axes 2 and 3 and `keepdims` 0, and a Gemm: `x.mean([2, 3])` and a linear layer
    in PyTorch; `x.std((2, 3))` as well.

    ## What rkmend does

    * `keep-axes`: keeps the axes and takes them off by a Reshape.

    ## Exactness and its limits

    Exact: the same mean. Static shapes.

    ## Evidence

    Toolkit 2.3.2, rk3588, rk3576, rk3566 and rk3562, fp16 and int8: all of 23 operators behind such a mean fail, from
    Relu and Gemm to Concat and Unsqueeze, behind an Identity, Dropout, Flatten or Reshape that changes nothing, too. It
    converts as an output of the model, with the axes 3 and 2 in this order, over a single axis, all axes but the first,
    the last three of five, and with `keepdims`; so do ReduceSum, ReduceMax and ReduceL2. Toolkit 2.5.0 converts it.
    """

    code = "RKM508"
    name = "map-mean"
    level = Level.ERROR
    operators = frozenset({"ReduceMean"})
    mend = "keep-axes"
    summary = "Keeps the axes and takes them off by a Reshape."
    exactness = Exactness.EXACT

    def holds(self, node: ir.Node, target: Target) -> Mapping[str, Fact] | None:
        """Over height and width of four axes, in this order; read by an operator."""
        shape = static_shape(node.inputs[0])
        if shape is None or len(shape) != 4 or node.attributes.get_int("keepdims", True):
            return None
        if axes_as_given(node) != AXES or not _is_read(node.outputs[0]):
            return None
        return {"height": shape[2], "width": shape[3]}

    def message(self, node: ir.Node, facts: Mapping[str, Fact]) -> str:
        """What it is the mean of."""
        return (
            f"ReduceMean '{node.name}' drops the axes of a map of {facts['height']}x{facts['width']}, and the "
            "toolkit does not."
        )

    def rewrite(self, node: ir.Node, new: Replacement) -> Sequence[ir.Value | None]:
        """ReduceMean with its axes, and Reshape."""
        data = node.inputs[0]
        assert data is not None
        kept = reduced(new, "mean", "ReduceMean", data, AXES)
        return [reshaped(new, "axes", kept, known_shape(data)[:2])]


def _is_read(value: ir.Value) -> bool:
    """Whether an operator reads it that changes something."""
    for node, _index in value.uses():
        result = node.outputs[0]
        passes = node.op_type in PASSING and static_shape(result) == static_shape(value)
        if not passes or result.dtype != value.dtype or _is_read(result):
            return True
    return False
