"""RKM254: Pad with a list of axes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rkmend.graph.values import content_of, static_shape
from rkmend.rules.base import CannotApply, Exactness, Fact, Level
from rkmend.rules.operands import operand
from rkmend.rules.operator import OperatorRule
from rkmend.rules.replacement import Replacement
from rkmend.targets import Target

if TYPE_CHECKING:
    import onnx_ir as ir

AXES = 3
"""Position of the input that lists the axes."""


class PadAxes(OperatorRule):
    """A Pad that names the axes it pads.

    ## What happens

    `build` raises:

        IndexError: list index out of range (in rule convert_pad_to_conv)

    ## Why

    Since opset 18 `pads` may be given for some axes only. The toolkit's rule reads it as if it were given for all.

    ## Example

    `Pad` of [1, 3, 4, 5] with `pads` [0, 3, 0, 4] and `axes` [1, 3].

    ## What rkmend does

    * `pads-of-all-axes`: writes the zeros of the other axes out and drops the list of axes.

    ## Exactness and its limits

    Exact.

    ## Evidence

    Toolkit 2.3.2, rk3588: of 16 forms with `axes` 7 were rejected: axes [1, 3] of four in all modes, the last axis of
    three. Axes [2, 3] of four converted.
    """

    code = "RKM254"
    name = "pad-axes"
    level = Level.ERROR
    operators = frozenset({"Pad"})
    mend = "pads-of-all-axes"
    summary = "Writes the padding of every axis out and drops the list of axes."
    exactness = Exactness.EXACT

    def holds(self, node: ir.Node, target: Target) -> Mapping[str, Fact] | None:
        """It has a list of some of its axes."""
        axes = content_of(operand(node, AXES))
        shape = static_shape(node.inputs[0])
        if axes is None or shape is None or axes.size == len(shape):
            return None
        return {"axes": " ".join(str(axis) for axis in axes.ravel())}

    def rewrite(self, node: ir.Node, new: Replacement) -> Sequence[ir.Value | None]:
        """Pad without axes."""
        import numpy as np

        shape, pads, axes = (
            static_shape(node.inputs[0]),
            content_of(node.inputs[1]),
            content_of(node.inputs[AXES]),
        )
        if shape is None or pads is None or axes is None:
            raise CannotApply("its shape or its pads are not known")
        full = np.zeros((2, len(shape)), np.int64)
        full[:, axes] = pads.reshape(2, -1)
        inputs = [node.inputs[0], new.constant("pads", full.ravel()), *node.inputs[2:AXES]]
        return [new.node("pad", "Pad", inputs, node.attributes)]
