"""RKM204: Affine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rkmend.rules.base import Exactness, Level
from rkmend.rules.operator import OperatorRule
from rkmend.rules.replacement import Replacement

if TYPE_CHECKING:
    import onnx_ir as ir


class AffineOperator(OperatorRule):
    """An operator that ONNX has dropped: alpha times the input plus beta.

    ## What happens

    `build` raises:

        IndexError: _Map_base::at

    ## Why

    The toolkit has no Affine. ONNX dropped the operator in 1.5; ONNX Runtime still runs it.

    ## Example

    `Affine` with `alpha` 127.5 and `beta` 127.5 at the end of a style transfer network.

    ## What rkmend does

    * `mul-add`: multiplies by alpha and adds beta.

    ## Exactness and its limits

    `rounding`: where ONNX Runtime fuses the two, the product is not rounded.

    ## Evidence

    Toolkit 2.3.2, rk3588: two style transfer networks of opset 7.
    """

    code = "RKM204"
    name = "affine"
    level = Level.ERROR
    operators = frozenset({"Affine"})
    mend = "mul-add"
    summary = "Multiplies by alpha and adds beta."
    exactness = Exactness.ROUNDING

    def rewrite(self, node: ir.Node, new: Replacement) -> Sequence[ir.Value | None]:
        """Mul and Add."""
        import numpy as np

        alpha, beta = (
            new.constant(name, np.array([node.attributes.get_float(name, default)], np.float32))
            for name, default in (("alpha", 1.0), ("beta", 0.0))
        )
        return [new.node("add", "Add", [new.node("mul", "Mul", [node.inputs[0], alpha]), beta])]
