"""RKM202: ImageScaler."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rkmend.rules.base import Exactness, Level
from rkmend.rules.operator import OperatorRule
from rkmend.rules.replacement import Replacement

if TYPE_CHECKING:
    import onnx_ir as ir


class ImageScalerOperator(OperatorRule):
    """An operator that ONNX has dropped and early vision models begin with.

    ## What happens

    `build` raises:

        IndexError: _Map_base::at

    ## Why

    The toolkit has no ImageScaler. ONNX dropped the operator in 1.5; ONNX Runtime still runs it.

    ## Example

    `ImageScaler` with `scale` 1 and `bias` [-103.9, -116.8, -123.7] in front of a style transfer network.

    ## What rkmend does

    * `mul-add`: multiplies by the scale and adds the bias of each channel.

    ## Exactness and its limits

    `rounding`: where ONNX Runtime fuses the two, the product is not rounded.

    ## Evidence

    Toolkit 2.3.2, rk3588: all of 48 variations of the operator failed (docs/failing-networks.md).
    """

    code = "RKM202"
    name = "image-scaler"
    level = Level.ERROR
    operators = frozenset({"ImageScaler"})
    mend = "mul-add"
    summary = "Multiplies by the scale and adds the bias of each channel."
    exactness = Exactness.ROUNDING

    def rewrite(self, node: ir.Node, new: Replacement) -> Sequence[ir.Value | None]:
        """Mul, where the scale is not 1, and Add."""
        import numpy as np

        value = node.inputs[0]
        assert value is not None
        scale = node.attributes.get_float("scale", 1.0)
        bias = np.array(node.attributes.get_floats("bias", ()), np.float32)
        if scale != 1.0:
            value = new.node("mul", "Mul", [value, new.constant("scale", np.array([scale], np.float32))])
        return [new.node("add", "Add", [value, new.constant("bias", bias.reshape(1, -1, 1, 1))])]
