"""RKM401: squares that are beyond fp16 before the root brings them back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rkmend.rules.base import Exactness, Finding, Level
from rkmend.rules.forms import reduced, reshaped
from rkmend.rules.numbers.not_finite import NotFinite
from rkmend.rules.numbers.squares import root_of
from rkmend.rules.operands import known_shape, reduced_axes
from rkmend.rules.replacement import PROVENANCE
from rkmend.targets import Target

if TYPE_CHECKING:
    import onnx_ir as ir


class RootOfSquares(NotFinite):
    """A norm whose squares are larger than fp16 holds.

    ## What happens

    The model converts, and the simulator gives infinities or NaN where ONNX Runtime gives ordinary numbers.

    ## Why

    The largest number of fp16 is 65504: the square of 256 is beyond it, and so is the sum of 66 squares of 32. The
    root would be small enough again.

    ## Example

    `ReduceL2` over 16 channels of values around 300; `Mul(x, x)`, `ReduceMean`, `Add` 1e-5, `Sqrt` and `Div` in an
    RMSNorm.

    ## What rkmend does

    * `scale-first`: divides by the largest magnitude along the reduced axes, where that is above 1, and multiplies
      the root by it.

    ## Exactness and its limits

    `rounding`: equal in real arithmetic. Nothing is divided where no magnitude is above 1, so small values lose
    nothing.

    ## Evidence

    Toolkit 2.3.2, rk3588: `ReduceL2`, `ReduceSumSquare` with `Sqrt` and an explicit RMSNorm on values around 300.
    `LpNormalization`, `InstanceNormalization` and an explicit LayerNorm over the last axis, which the toolkit fuses,
    came out right on the same values.
    """

    code = "RKM401"
    name = "root-of-squares"
    level = Level.ADVICE
    operators = frozenset({"ReduceL2", "Sqrt"})
    mend = "scale-first"
    summary = "Divides by the largest magnitude before squaring and multiplies the root by it."
    exactness = Exactness.ROUNDING

    def find(self, model: ir.Model, target: Target) -> Iterator[Finding]:
        """Every such root; whether its values are large is for the simulator to say."""
        for node in model.graph:
            mended = node.metadata_props.get(PROVENANCE[0]) == self.code
            if not mended and (root := root_of(node)):
                names = tuple(str(one.name) for one in root.nodes)
                message = f"{node.op_type} '{node.name}' gives the root of squares, which may be beyond fp16."
                yield Finding(self.code, self.name, names, {"reduce": root.reduce.op_type}, message)

    def change(self, model: ir.Model, finding: Finding) -> None:
        """The division first."""
        import numpy as np

        node = finding.node_in(model, -1)
        root = root_of(node)
        axes = None if root is None else reduced_axes(root.reduce)
        assert root is not None and axes is not None
        summing = "ReduceMean" if root.reduce.op_type == "ReduceMean" else "ReduceSum"
        new = self.replacement(node, root.nodes[:-1])
        kind = root.base.dtype.numpy() if root.base.dtype else np.dtype(np.float32)
        magnitude = new.node("abs", "Abs", [root.base])
        largest = reduced(new, "largest", "ReduceMax", magnitude, axes)
        scale = new.node("scale", "Max", [largest, new.constant("one", np.ones(1, kind))])
        scaled = new.node("scaled", "Div", [root.base, scale])
        squares = new.node("squares", "Mul", [scaled, scaled])
        total = reduced(new, "total", summing, squares, axes)
        if root.epsilon is not None:
            epsilon = new.node("epsilon", "Div", [root.epsilon, scale])
            total = new.node("plus_epsilon", "Add", [total, new.node("epsilon_2", "Div", [epsilon, scale])])
        result = new.node("root_times_scale", "Mul", [new.node("root", "Sqrt", [total]), scale])
        if not root.reduce.attributes.get_int("keepdims", 1):
            result = reshaped(new, "reshape", result, known_shape(node.outputs[0]))
        new.finish(result)
