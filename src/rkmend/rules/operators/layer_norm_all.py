"""RKM212: LayerNormalization over everything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rkmend.graph.values import static_shape
from rkmend.rules.base import Exactness, Fact, Level
from rkmend.rules.forms import reshaped
from rkmend.rules.operands import is_constant, known_shape
from rkmend.rules.operator import OperatorRule
from rkmend.rules.replacement import Replacement
from rkmend.targets import Target

if TYPE_CHECKING:
    import onnx_ir as ir


class LayerNormAll(OperatorRule):
    """A LayerNormalization over all axes of a feature map, the batch among them.

    ## What happens

    `build` raises in its rule `swap_reshape_norm`:

        ValueError: cannot reshape array of size 480 into shape (1,8,1,1)

    ## Why

    That rule takes the scale for one number per channel.

    ## Example

    `LayerNormalization` with `axis` 0 of a [1, 8, 6, 10] tensor, its scale a constant of that shape.

    ## What rkmend does

    * `one-row`: reshapes to a row, normalises its only axis, and reshapes back.

    ## Exactness and its limits

    `rounding`: the same numbers; a sum may be taken in another order.

    ## Evidence

    Toolkit 2.3.2, rk3588: with four axes and `axis` 0 it failed; with 1, 2 or 3, and with fewer axes, it converts.
    """

    code = "RKM212"
    name = "layer-norm-all"
    level = Level.ERROR
    operators = frozenset({"LayerNormalization"})
    mend = "one-row"
    summary = "Reshapes to a row, normalises it, and reshapes back."
    exactness = Exactness.ROUNDING

    def holds(self, node: ir.Node, target: Target) -> Mapping[str, Fact] | None:
        """With four axes, all of them normalised by a constant scale, and no other output than the first."""
        shape, scale = static_shape(node.inputs[0]), node.inputs[1]
        if (
            shape is None
            or len(shape) != 4
            or node.attributes.get_int("axis", -1) % 4
            or len(node.outputs) > 1
        ):
            return None
        return {} if is_constant(scale) else None

    def message(self, node: ir.Node, facts: Mapping[str, Fact]) -> str:
        """See `OperatorRule.message`."""
        return f"LayerNormalization '{node.name}' normalises all of four axes."

    def rewrite(self, node: ir.Node, new: Replacement) -> Sequence[ir.Value | None]:
        """Reshape, LayerNormalization of the last axis, Reshape."""
        data = node.inputs[0]
        assert data is not None
        row = reshaped(new, "row", data, [1, -1])
        parameters = [
            value and reshaped(new, f"parameter{place}", value, [-1])
            for place, value in enumerate(node.inputs[1:], 1)
        ]
        attributes = {
            "axis": -1,
            "epsilon": node.attributes.get_float("epsilon", 1e-5),
            "stash_type": node.attributes.get_int("stash_type", 1),
        }
        made = new.node("normalised", "LayerNormalization", [row, *parameters], attributes)
        return [reshaped(new, "back", made, known_shape(data))]
