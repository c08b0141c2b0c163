"""RKM201: ConstantOfShape."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rkmend.rules.base import CannotApply, Exactness, Fact, Level
from rkmend.rules.operator import OperatorRule
from rkmend.rules.replacement import Replacement
from rkmend.targets import Target

if TYPE_CHECKING:
    import onnx_ir as ir

MOST_ELEMENTS = 1 << 26
"""A larger constant is left to be made when the model runs."""


class ConstantOfShapeOperator(OperatorRule):
    """A tensor of zeros whose shape is known, made without saying that it is of zeros.

    ## What happens

    `load_onnx` raises on a ConstantOfShape without the attribute `value`, which is optional in ONNX:

        AttributeError: 'numpy.ndarray' object has no attribute 'data_type'

    ## Why

    The toolkit converts the constants of a model to float32 and expects an ONNX tensor, also where the attribute
    is left out and it has put in a numpy array for it.

    ## Example

    `ConstantOfShape` of `[1, 16, 48, 48]`, as exporters write padding with zeros by Concat.

    ## What rkmend does

    * `fold`: stores the tensor in the model. (Naming the value would do as well, but a stored tensor is cheaper.)

    ## Exactness and its limits

    Exact. The model grows by the tensor. Where the shape depends on an input there is nothing to fold.

    ## Evidence

    Toolkit 2.3.2, rk3588: without `value` every one of 46 variations of the operator failed
    (docs/failing-networks.md), with it the same operator converts. Networks for faces and for pitch are refused
    because of it.
    """

    code = "RKM201"
    name = "constant-of-shape"
    level = Level.ERROR
    operators = frozenset({"ConstantOfShape"})
    mend = "fold"
    summary = "Stores the tensor in the model."
    exactness = Exactness.EXACT

    def holds(self, node: ir.Node, target: Target) -> Mapping[str, Fact] | None:
        """Wherever its shape is known and `value` is left out."""
        shape = node.outputs[0].shape
        if "value" in node.attributes or shape is None or not shape.is_static():
            return None
        return {"elements": math.prod(shape.numpy())}

    def message(self, node: ir.Node, facts: Mapping[str, Fact]) -> str:
        """See `OperatorRule.message`."""
        return f"ConstantOfShape '{node.name}' ({facts['elements']} elements) has no `value`; the toolkit needs one."

    def rewrite(self, node: ir.Node, new: Replacement) -> Sequence[ir.Value | None]:
        """The tensor itself."""
        import numpy as np

        shape = node.outputs[0].shape
        assert shape is not None
        if math.prod(shape.numpy()) > MOST_ELEMENTS:
            raise CannotApply(f"the tensor has more than {MOST_ELEMENTS} elements")
        return [new.constant("tensor", np.zeros(shape.numpy(), np.float32))]
