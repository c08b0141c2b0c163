"""RKM112: attributes of a window with more entries than there are spatial axes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rkmend.rules.base import CannotApply, Exactness, Fact, Level
from rkmend.rules.operator import OperatorRule
from rkmend.rules.replacement import Replacement
from rkmend.targets import Target

if TYPE_CHECKING:
    import onnx_ir as ir

ATTRIBUTES = ("dilations", "strides")
"""Those whose further entries say nothing where they are 1."""


class AttributeLength(OperatorRule):
    """Strides or dilations of a Conv or a pool with more entries than there are spatial axes.

    ## What happens

    `build` raises, and ONNX Runtime does the same:

        FAIL : Node (/model.1/Conv) Op (Conv) [ShapeInferenceError] Attribute dilations has incorrect size

    ## Why

    Exporters of 1-D models that think in two axes write `dilations` [1, 1]. ONNX wants an entry for each spatial axis.

    ## Example

    A Conv of [1, 8, 16] by 3 with `dilations` [1, 1].

    ## What rkmend does

    * `one-each`: leaves as many entries as there are axes, where all others are 1.

    ## Exactness and its limits

    `exact`: a stride or dilation of 1 along an axis that is not there does nothing. The comparison runs in the
    reference evaluator of the onnx package, which takes the model as it is.

    ## Evidence

    Toolkit 2.3.2, rk3588: fails with [1, 1] on one axis and converts rightly with [1].
    """

    code = "RKM112"
    name = "attribute-length"
    level = Level.ERROR
    operators = frozenset({"AveragePool", "Conv", "ConvTranspose", "MaxPool"})
    mend = "one-each"
    summary = "Leaves as many strides and dilations as there are spatial axes."
    exactness = Exactness.EXACT

    def holds(self, node: ir.Node, target: Target) -> Mapping[str, Fact] | None:
        """Where there is an entry too many."""
        axes = _axes(node)
        long = {name: len(values) for name, values in _values(node).items() if len(values) > axes > 0}
        return {**long, "axes": axes} if long else None

    def rewrite(self, node: ir.Node, new: Replacement) -> Sequence[ir.Value | None]:
        """The same without them."""
        attributes = {name: attribute.value for name, attribute in node.attributes.items()}
        for name, values in _values(node).items():
            if any(value != 1 for value in values[_axes(node) :]):
                raise CannotApply(f"the {name} {list(values)} of '{node.name}' mean more than its axes")
            attributes[name] = values[: _axes(node)]
        return new.nodes("window", node.op_type, node.inputs, attributes, outputs=len(node.outputs))


def _values(node: ir.Node) -> dict[str, Sequence[int]]:
    return {name: node.attributes.get_ints(name, ()) for name in ATTRIBUTES if name in node.attributes}


def _axes(node: ir.Node) -> int:
    """Spatial axes of what goes in; 0 where that is not known."""
    data = node.inputs[0]
    return len(data.shape) - 2 if data is not None and data.shape is not None else 0
