"""RKM201: ConstantOfShape."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rkmend.rules.base import CannotApply, Exactness, Fact
from rkmend.rules.operator import OperatorRule
from rkmend.rules.replacement import Replacement
from rkmend.targets import Target

if TYPE_CHECKING:
    import onnx_ir as ir

MOST_ELEMENTS = 1 << 26
"""A larger constant is left to be made when the model runs."""


class ConstantOfShapeOperator(OperatorRule):
    """A tensor of one value whose shape is known.

    ## What happens

    `load_onnx` raises on any ConstantOfShape:

        AttributeError: 'numpy.ndarray' object has no attribute 'data_type'

    ## Why

    The toolkit converts the constants of a model to float32 and expects an ONNX tensor where it has made a numpy
    array of one already.

    ## Example

    `ConstantOfShape` of `[1, 16, 48, 48]`, as exporters write padding with zeros by Concat.

    ## What rkmend does

    * `fold`: stores the tensor in the model.

    ## Exactness and its limits

    Exact. The model grows by the tensor. Where the shape depends on an input there is nothing to fold.

    ## Evidence

    Toolkit 2.3.2, rk3588: every one of 46 variations of the operator failed (docs/failing-networks.md). Networks for
    faces and for pitch are refused because of it.
    """

    code = "RKM201"
    name = "constant-of-shape"
    operators = frozenset({"ConstantOfShape"})
    mend = "fold"
    summary = "Stores the tensor in the model."
    exactness = Exactness.EXACT

    def holds(self, node: ir.Node, target: Target) -> Mapping[str, Fact] | None:
        """Wherever its shape is known."""
        shape = node.outputs[0].shape
        if shape is None or not shape.is_static():
            return None
        return {"elements": math.prod(shape.numpy())}

    def message(self, node: ir.Node, facts: Mapping[str, Fact]) -> str:
        """See `OperatorRule.message`."""
        return f"ConstantOfShape '{node.name}' makes a constant of {facts['elements']} elements; the toolkit cannot."

    def rewrite(self, node: ir.Node, new: Replacement) -> Sequence[ir.Value | None]:
        """The tensor itself."""
        import numpy as np

        shape = node.outputs[0].shape
        assert shape is not None
        if math.prod(shape.numpy()) > MOST_ELEMENTS:
            raise CannotApply(f"the tensor has more than {MOST_ELEMENTS} elements")
        value = node.attributes.get_tensor("value", None)
        fill = value.numpy().ravel()[0] if value is not None else np.float32(0)
        return [new.constant("tensor", np.full(shape.numpy(), fill))]
