"""RKM256: GatherElements along axis -1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rkmend.graph.values import static_shape
from rkmend.rules.base import Exactness, Fact, Level
from rkmend.rules.operands import is_constant
from rkmend.rules.operator import OperatorRule
from rkmend.rules.replacement import Replacement
from rkmend.targets import Target

if TYPE_CHECKING:
    import onnx_ir as ir


class GatherElementsAxis(OperatorRule):
    """A GatherElements along axis -1 with as many indices as there are elements.

    ## What happens

    `build` raises:

        Fail: [ONNXRuntimeError] : 1 : FAIL : Node (...) Op (Einsum) [ShapeInferenceError] Rank of input 0 does not
        match the equation indices.

    ## Why

    The toolkit writes a GatherElements with constant indices as an Einsum, and builds its equation from the axis as it
    is written: -1 is no position in it.

    ## Example

    `GatherElements` of [1, 4, 6] with indices of [1, 4, 6] and `axis` -1, as PyTorch exports `gather(-1, index)`.

    ## What rkmend does

    * `positive-axis`: writes the axis from the front.

    ## Exactness and its limits

    Exact.

    ## Evidence

    Toolkit 2.3.2, rk3588: 6 of 6 with axis -1 and as many indices as elements were rejected (ranks 2, 3 and 4); the
    same with the axis written from the front converted, and so did 16 others with fewer indices or another axis.
    """

    code = "RKM256"
    name = "gather-elements-axis"
    level = Level.ERROR
    operators = frozenset({"GatherElements"})
    mend = "positive-axis"
    summary = "Writes the axis from the front."
    exactness = Exactness.EXACT

    def holds(self, node: ir.Node, target: Target) -> Mapping[str, Fact] | None:
        """Axis -1, constant indices, as many as elements."""
        data, indices = static_shape(node.inputs[0]), node.inputs[1]
        if not is_constant(indices):
            return None
        places = static_shape(indices)
        if node.attributes.get_int("axis", 0) != -1 or data is None or places is None:
            return None
        return {"axis": -1, "size": data[-1]} if data[-1] == places[-1] else None

    def rewrite(self, node: ir.Node, new: Replacement) -> Sequence[ir.Value | None]:
        """GatherElements with another attribute."""
        shape = static_shape(node.inputs[0])
        assert shape is not None
        return [new.node("gather", "GatherElements", node.inputs, {"axis": len(shape) - 1})]
