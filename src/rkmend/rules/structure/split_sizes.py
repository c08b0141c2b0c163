"""RKM253: Split whose pieces are counted, or empty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rkmend.graph.values import static_shape
from rkmend.rules.base import Exactness, Fact, Level
from rkmend.rules.forms import split
from rkmend.rules.operator import OperatorRule
from rkmend.rules.replacement import Replacement
from rkmend.targets import Target

if TYPE_CHECKING:
    import onnx_ir as ir


class SplitSizes(OperatorRule):
    """A Split into a number of pieces that does not divide the axis.

    ## What happens

    `build`, or the simulator, raises:

        Fail: [ONNXRuntimeError] : 1 : FAIL : Non-zero status code returned while running Split node. ...
        Cannot split using values in 'split' attribute.

    ## Why

    Since opset 18 Split takes `num_outputs`, and the last piece may be smaller. The toolkit makes all of them as large
    as the first.

    ## Example

    `Split` of 20 columns with `num_outputs` 3: 7, 7 and 6.

    ## What rkmend does

    * `explicit-sizes`: writes the size of every piece into the operator.

    ## Exactness and its limits

    Exact.

    ## Evidence

    Toolkit 2.3.2, rk3588: 4 of 4 uneven ones failed (ranks 1, 2 and 4); an even one converted.
    """

    code = "RKM253"
    name = "split-sizes"
    level = Level.ERROR
    operators = frozenset({"Split"})
    mend = "explicit-sizes"
    summary = "Writes the size of every piece into the operator."
    exactness = Exactness.EXACT

    def holds(self, node: ir.Node, target: Target) -> Mapping[str, Fact] | None:
        """`num_outputs`, and pieces of different sizes."""
        sizes = _sizes(node)
        if sizes is None or "num_outputs" not in node.attributes or len(set(sizes)) == 1:
            return None
        return {"num_outputs": len(sizes), "sizes": " ".join(map(str, sizes))}

    def rewrite(self, node: ir.Node, new: Replacement) -> Sequence[ir.Value | None]:
        """Split with its sizes as an input."""
        data, sizes = node.inputs[0], _sizes(node)
        assert data is not None and sizes is not None
        pieces = split(new, "split", data, node.attributes.get_int("axis", 0), sizes)
        return [piece if value.name else None for value, piece in zip(node.outputs, pieces, strict=True)]


def _sizes(node: ir.Node) -> list[int] | None:
    """Of the pieces along the axis; None where one is not known."""
    axis = node.attributes.get_int("axis", 0)
    shapes = [static_shape(value) for value in node.outputs]
    return None if None in shapes else [shape[axis] for shape in shapes if shape is not None]
