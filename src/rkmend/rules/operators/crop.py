"""RKM203: Crop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rkmend.rules.base import CannotApply, Exactness, Level
from rkmend.rules.forms import sliced
from rkmend.rules.operator import OperatorRule
from rkmend.rules.replacement import Replacement

if TYPE_CHECKING:
    import onnx_ir as ir


class CropOperator(OperatorRule):
    """An operator that ONNX has dropped: cuts the border off a feature map.

    ## What happens

    `build` raises:

        IndexError: _Map_base::at

    ## Why

    The toolkit has no Crop. ONNX dropped the operator in 1.5; ONNX Runtime still runs it.

    ## Example

    `Crop` with `border` [40, 40, 40, 40] (left, top, right, bottom) after the padding of a style transfer network.

    ## What rkmend does

    * `slice`: the same with Slice.

    ## Exactness and its limits

    Exact: both only choose elements, and the place of every element is compared.

    ## Evidence

    Toolkit 2.3.2, rk3588: two style transfer networks of opset 7.
    """

    code = "RKM203"
    name = "crop"
    level = Level.ERROR
    operators = frozenset({"Crop"})
    mend = "slice"
    summary = "Cuts the border off with Slice."
    exactness = Exactness.EXACT

    def rewrite(self, node: ir.Node, new: Replacement) -> Sequence[ir.Value | None]:
        """Slice of H and W."""
        value, made = node.inputs[0], node.outputs[0].shape
        if value is None or value.shape is None or made is None or not made.is_static():
            raise CannotApply("the shape of its output is not known")
        left, top, *_ = node.attributes.get_ints("border", ())
        starts, ends = [top, left], [top + made.numpy()[2], left + made.numpy()[3]]
        return [sliced(new, "slice", value, starts, ends, [2, 3])]
