"""RKM103: a ConvTranspose that leaves its padding to be computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rkmend.rules.base import CannotApply, Exactness, Fact, Level
from rkmend.rules.conv.transposed import TransposedConv, chosen_by_output, spread_attributes
from rkmend.rules.operator import OperatorRule
from rkmend.rules.replacement import Replacement
from rkmend.targets import Target

if TYPE_CHECKING:
    import onnx_ir as ir


class TransposedPadding(OperatorRule):
    """A ConvTranspose that gives `auto_pad` SAME or `output_shape` in the place of its padding.

    ## What happens

    With `auto_pad` SAME_UPPER or SAME_LOWER `build` raises:

        E build: IndexError: list index out of range (in rule correct_ops)

    With `output_shape` the model converts without a word and computes something else: the simulator's output is
    unrelated to ONNX Runtime's (cosine 0.009).

    ## Why

    The sum of the padding follows from the shape of the output. Where it is odd, ONNX puts the larger half at the
    begin, or, with SAME_UPPER, at the end. The toolkit puts it at the other end, and does not know SAME without an
    `output_shape`.

    ## Example

    `ConvTranspose` 3x3, strides 2, `output_shape` [20, 20], data 10x10: one row and one column of padding in all.

    ## What rkmend does

    * `explicit-pads`: writes `pads` and `output_padding` out.

    ## Exactness and its limits

    `exact`: the same operator on the same numbers.

    ## Evidence

    Toolkit 2.3.2 and 2.5.0, rk3588, fp16: SAME_UPPER and SAME_LOWER rejected, `output_shape` with an odd sum wrong;
    both right with explicit pads. With an even sum `output_shape` is right as it is, so the rule leaves that alone.
    """

    code = "RKM103"
    name = "transposed-padding-not-given"
    level = Level.ERROR
    operators = frozenset({"ConvTranspose"})
    mend = "explicit-pads"
    summary = "Writes the padding of the ConvTranspose out."
    exactness = Exactness.EXACT

    def holds(self, node: ir.Node, target: Target) -> Mapping[str, Fact] | None:
        """Where padding is left to be computed, and its sum is odd or it is asked for by SAME."""
        if not chosen_by_output(node) or (conv := TransposedConv.read(node)) is None:
            return None
        auto_pad = node.attributes.get_string("auto_pad", "NOTSET")
        odd = any(axis.pad_begin > max(0, axis.pad_end) for axis in conv.axes)
        if not odd and not auto_pad.startswith("SAME"):
            return None
        pads = [axis.pad_begin for axis in conv.axes] + [axis.pad_end for axis in conv.axes]
        return {"auto_pad": auto_pad, "pads": " ".join(map(str, pads))}

    def rewrite(self, node: ir.Node, new: Replacement) -> Sequence[ir.Value | None]:
        """The same node with `pads` and `output_padding`."""
        conv = TransposedConv.read(node)
        if conv is None:
            raise CannotApply(f"the shapes of '{node.name}' are not all known")
        attributes = spread_attributes(conv.axes, conv.groups)
        return [new.node("conv", "ConvTranspose", list(node.inputs), attributes)]
