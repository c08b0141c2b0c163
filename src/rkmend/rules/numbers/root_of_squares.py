"""RKM401: squares that are beyond fp16 before the root brings them back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from rkmend.graph.values import static_shape
from rkmend.rules.base import Exactness, Finding, Mend, Rule
from rkmend.rules.numbers.squares import axes_of, root_of
from rkmend.rules.replacement import PROVENANCE, Replacement
from rkmend.targets import Target
from rkmend.toolkit.verdict import Outcome, Verdict

if TYPE_CHECKING:
    import onnx_ir as ir

SUMS = {"ReduceMean": "ReduceMean"}
"""What adds up squares that were made before, where it is not ReduceSum."""
AXES_AS_INPUT = {"ReduceSum": 13, "ReduceMean": 18, "ReduceMax": 18}
"""Opsets from which on the axes are an input."""


class RootOfSquares(Rule):
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

    def find(self, model: ir.Model, target: Target) -> Iterator[Finding]:
        """Every such root; whether its values are large is for the simulator to say."""
        for node in model.graph:
            mended = node.metadata_props.get(PROVENANCE[0]) == self.code
            if not mended and (root := root_of(node)):
                names = tuple(str(one.name) for one in root.nodes)
                message = f"{node.op_type} '{node.name}' gives the root of squares, which may be beyond fp16."
                yield Finding(self.code, self.name, names, {"reduce": root.reduce.op_type}, message)

    def recognises(self, verdict: Verdict) -> bool:
        """Something is infinite or NaN that is not with ONNX Runtime."""
        wrong = verdict.outcome is Outcome.WRONG
        return wrong and any(found.shape_ok and not found.finite for found in verdict.agreement)

    def mends(self, model: ir.Model, target: Target, finding: Finding) -> Sequence[Mend]:
        """The rewrite."""
        summary = "Divides by the largest magnitude before squaring and multiplies the root by it."
        rewrite = partial(self._scale, finding.nodes[-1])
        return [Mend("scale-first", summary, Exactness.ROUNDING, rewrite=rewrite)]

    def _scale(self, name: str, model: ir.Model) -> None:
        import numpy as np

        node = next(node for node in model.graph if node.name == name)
        root = root_of(node)
        assert root is not None
        new = Replacement(node, code=self.code, mend="scale-first", others=root.nodes[:-1])
        kind = root.base.dtype.numpy() if root.base.dtype else np.dtype(np.float32)
        magnitude = new.node("abs", "Abs", [root.base])
        largest = _reduced(new, "largest", "ReduceMax", magnitude, root.reduce)
        scale = new.node("scale", "Max", [largest, new.constant("one", np.ones(1, kind))])
        scaled = new.node("scaled", "Div", [root.base, scale])
        squares = new.node("squares", "Mul", [scaled, scaled])
        total = _reduced(new, "total", SUMS.get(root.reduce.op_type, "ReduceSum"), squares, root.reduce)
        if root.epsilon is not None:
            epsilon = new.node("epsilon", "Div", [root.epsilon, scale])
            total = new.node("plus_epsilon", "Add", [total, new.node("epsilon_2", "Div", [epsilon, scale])])
        result = new.node("root_times_scale", "Mul", [new.node("root", "Sqrt", [total]), scale])
        if not root.reduce.attributes.get_int("keepdims", 1):
            shape = np.array(static_shape(node.outputs[0]), np.int64)
            result = new.node("reshape", "Reshape", [result, new.constant("shape", shape)])
        new.finish(result)


def _reduced(new: Replacement, part: str, op_type: str, value: ir.Value, like: ir.Node) -> ir.Value:
    """A reduction over the axes of another one, which are kept with one element."""
    import numpy as np

    axes = axes_of(like) or []
    if new.opset >= AXES_AS_INPUT[op_type]:
        given = new.constant(f"{part}_axes", np.array(axes, np.int64))
        return new.node(part, op_type, [value, given], {"keepdims": 1})
    return new.node(part, op_type, [value], {"axes": axes, "keepdims": 1})
