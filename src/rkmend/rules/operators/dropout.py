"""RKM211: Dropout with training mode as an input, or with its mask as an output."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rkmend.graph.surgery import is_read
from rkmend.graph.values import content_of
from rkmend.rules.base import CannotApply, Exactness, Fact, Level
from rkmend.rules.operands import operand
from rkmend.rules.operator import OperatorRule
from rkmend.rules.replacement import Replacement
from rkmend.targets import Target

if TYPE_CHECKING:
    import onnx_ir as ir


class DropoutForm(OperatorRule):
    """A Dropout that has training mode as an input or gives its mask.

    ## What happens

    `build` aborts on the input `training_mode`, whatever it is:

        onnx/common/ir.h:529: input: Assertion `inputs_.size() == 1` failed.

    and a model that gives the mask converts without that output.

    ## Why

    The toolkit drops Dropout as an operator of one input and one output.

    ## Example

    `Dropout` of opset 13 with `training_mode` true and `ratio` 0.

    ## What rkmend does

    * `identity`: passes the input on; the mask is whether the input equals itself.

    ## Exactness and its limits

    Exact but for the mask of a NaN: outside of training, and with ratio 0, Dropout drops nothing. With training mode on
    and another ratio it is random, and nothing can be verified: export the model for inference (`model.eval()`).

    ## Evidence

    Toolkit 2.3.2, rk3588: six backend tests of training mode abort; two of the mask come out wrong.
    """

    code = "RKM211"
    name = "dropout"
    level = Level.ERROR
    operators = frozenset({"Dropout"})
    mend = "identity"
    summary = "Passes the input on; the mask is ones."
    exactness = Exactness.EXACT

    def holds(self, node: ir.Node, target: Target) -> Mapping[str, Fact] | None:
        """Where it gives its mask, or training mode is an input."""
        masked = len(node.outputs) > 1 and is_read(node.outputs[1])
        return {"mask": masked} if masked or len(node.inputs) > 2 else None

    def message(self, node: ir.Node, facts: Mapping[str, Fact]) -> str:
        """See `OperatorRule.message`."""
        return (
            f"Dropout '{node.name}' gives its mask."
            if facts["mask"]
            else (f"Dropout '{node.name}' has training mode as an input.")
        )

    def rewrite(self, node: ir.Node, new: Replacement) -> Sequence[ir.Value | None]:
        """Identity, and a mask of ones where it is read."""
        training, ratio = (_scalar(node, place, default) for place, default in ((2, 0.0), (1, 0.5)))
        if training is None or (training and ratio != 0):
            raise CannotApply(
                "it is in training mode, where its output is random; export the model for inference"
            )
        outputs: list[ir.Value | None] = [new.node("identity", "Identity", [node.inputs[0]])]
        if len(node.outputs) > 1:
            outputs.append(_mask(node, new) if is_read(node.outputs[1]) else None)
        return outputs


def _mask(node: ir.Node, new: Replacement) -> ir.Value:
    """True everywhere, and not a constant: the toolkit loses outputs that are."""
    import onnx_ir as ir

    kept, dtype = new.node("mask", "Equal", [node.inputs[0], node.inputs[0]]), node.outputs[1].dtype
    if dtype is None or dtype == ir.DataType.BOOL:
        return kept
    return new.node("numeric_mask", "Cast", [kept], {"to": int(dtype)})


def _scalar(node: ir.Node, place: int, default: float) -> float | None:
    """An optional scalar input; None where the model computes it."""
    given = operand(node, place)
    if given is None:
        return default
    content = content_of(given)
    return None if content is None else float(content.reshape(-1)[0])
