"""RKM270: OneHot of indices that are no int64."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rkmend.rules.base import Exactness, Fact
from rkmend.rules.operands import constant_of
from rkmend.rules.operator import OperatorRule
from rkmend.rules.replacement import Replacement
from rkmend.targets import Target

if TYPE_CHECKING:
    import onnx_ir as ir


class OneHotIndices(OperatorRule):
    """A OneHot whose indices or depth are of another dtype than int64.

    ## What happens

    Float indices that are no whole numbers are switched on in other places than with ONNX Runtime, or `build` raises:

        NotImplemented: [ONNXRuntimeError] : 9 : NOT_IMPLEMENTED : Could not find an implementation for OneHot(11)

    ## Why

    The toolkit folds constants in an ONNX Runtime that has OneHot for a few combinations of dtypes only, and rounds
    float indices another way. ONNX lets every number dtype stand for the indices and for the depth.

    ## Example

    `OneHot` of labels that a network gives out as floats.

    ## What rkmend does

    * `int64`: casts the indices to int64, and a depth that is constant.

    ## Exactness and its limits

    `exact`: OneHot takes the whole part of its indices, as Cast does.

    ## Evidence

    Toolkit 2.3.2, rk3588: float indices with an int64 depth were rejected in 3 of 3 models; with a float depth the
    result was wrong for indices between whole numbers. With the Cast all of them were right.
    """

    code = "RKM270"
    name = "one-hot-indices"
    operators = frozenset({"OneHot"})
    mend = "int64"
    summary = "Casts indices and depth to int64."
    exactness = Exactness.EXACT

    def holds(self, node: ir.Node, target: Target) -> Mapping[str, Fact] | None:
        """Where either is of another dtype."""
        import onnx_ir as ir

        kinds = [value.dtype for value in node.inputs[:2] if value is not None]
        if None in kinds or set(kinds) == {ir.DataType.INT64}:
            return None
        return {
            name: kind.name.lower()
            for name, kind in zip(("indices", "depth"), kinds, strict=True)
            if kind is not None
        }

    def rewrite(self, node: ir.Node, new: Replacement) -> Sequence[ir.Value | None]:
        """Casts, and OneHot."""
        inputs = [
            _whole(new, "indices", node.inputs[0]),
            _whole(new, "depth", node.inputs[1]),
            node.inputs[2],
        ]
        return [new.node("one_hot", "OneHot", inputs, node.attributes)]


def _whole(new: Replacement, part: str, value: ir.Value | None) -> ir.Value | None:
    """The value as int64."""
    import numpy as np
    import onnx_ir as ir

    if value is None or value.dtype == ir.DataType.INT64:
        return value
    known = constant_of(value)
    if known is not None:
        return new.constant(part, known.astype(np.int64))
    return new.node(part, "Cast", [value], {"to": int(ir.DataType.INT64)})
