"""RKM410: a division that is kept from zero by a number that fp16 does not have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rkmend.rules.base import Exactness, Fact, Finding
from rkmend.rules.numbers.log_of_floor import SMALLEST
from rkmend.rules.numbers.not_finite import NotFinite
from rkmend.rules.operands import constant_of, number_of
from rkmend.targets import Target

if TYPE_CHECKING:
    import onnx_ir as ir

COPYING = frozenset({"Expand", "Identity", "Reshape", "Squeeze", "Unsqueeze"})
"""Operators that may stand between the bound and the division."""
POSITIVE = frozenset(
    {
        "Abs",
        "Exp",
        "ReduceL1",
        "ReduceL2",
        "ReduceSumSquare",
        "Relu",
        "Sigmoid",
        "Softmax",
        "Softplus",
        "Sqrt",
    }
)
"""Operators that give no negative numbers."""


class TinyDivisor(NotFinite):
    """A division by what is at least a tiny number.

    ## What happens

    The model converts, and the simulator gives NaN or infinity where ONNX Runtime gives ordinary numbers: for silence,
    black images and all else of which every element is the same.

    ## Why

    `x / max(norm, 1e-12)` and `x / (deviation + 1e-9)` are how networks keep away from a division by zero. In fp16
    these numbers are zero.

    ## Example

    ReduceL2, Clip to 1e-12, Div; MeanVarianceNormalization in single operators.

    ## What rkmend does

    * `floor-of-half`: makes the divisor at least 2^-14, the smallest normal number of fp16, by a Max in front of the
      division.

    ## Exactness and its limits

    `bounded`: nothing changes where the divisor is 2^-14 or more, and on random inputs the whole model may differ by no
    more than 2^-13. For a divisor between zero and 2^-14 the quotient becomes smaller than it was; in fp16
    such a divisor has a few bits at most, or none. Allow it with `--exactness bounded`.

    ## Evidence

    Toolkit 2.3.2, rk3588: x / max(ReduceL2(x), 1e-12), with Max and with Clip, and x / (|mean| + 1e-9) are not finite
    for zeros in the simulator; with the mend they are right. With 1e-5 in place of 1e-9 the model converts, and
    so does ReduceL2, Clip, Expand, Div, as torch exports `normalize`: the toolkit has one operator for these.
    """

    code = "RKM410"
    name = "tiny-divisor"
    operators = frozenset({"Div", "Reciprocal"})
    mend = "floor-of-half"
    summary = "Makes the divisor at least the smallest normal number of fp16."
    exactness = Exactness.BOUNDED
    bound = 2.0**-13

    def find(self, model: ir.Model, target: Target) -> Iterator[Finding]:
        """All of them at once: what is no number anywhere is none behind it."""
        found = {
            str(node.name): smallest for node in model.graph if (smallest := _smallest(node)) is not None
        }
        if found:
            listed = ", ".join(f"'{name}' by {smallest:g}" for name, smallest in found.items())
            message = f"Divisions are kept from zero by numbers that fp16 does not have: {listed}."
            facts: dict[str, Fact] = {"divisions": len(found), "smallest": min(found.values())}
            yield Finding(self.code, self.name, (), facts, message)

    def change(self, model: ir.Model, finding: Finding) -> None:
        """Max in front of each division."""
        import numpy as np

        for node in [node for node in model.graph if _smallest(node) is not None]:
            *others, divisor = node.inputs
            assert divisor is not None
            new = self.replacement(node)
            kind = np.dtype(np.float32) if divisor.dtype is None else divisor.dtype.numpy()
            floor = new.constant("smallest", np.array(SMALLEST, kind))
            floored = new.node("floored", "Max", [divisor, floor])
            new.finish(new.node("quotient", node.op_type, [*others, floored], node.attributes))


def _smallest(node: ir.Node) -> float | None:
    """The number below the normal ones of fp16 that a divisor is at least; None where there is none."""
    if node.op_type not in ("Div", "Reciprocal") or node.domain:
        return None
    value = node.inputs[-1]
    while value is not None and (maker := value.producer()) is not None and maker.op_type in COPYING:
        value = maker.inputs[0]
    bound = None if value is None else value.producer()
    if bound is None or bound.domain:
        return None
    smallest = _lowest(bound)
    return smallest if smallest is not None and 0 < smallest < SMALLEST else None


def _lowest(bound: ir.Node) -> float | None:
    """What a Max or Clip from below lets through at least, or what an Add puts on top of what is not negative."""
    if bound.op_type == "Clip":
        if "min" in bound.attributes:
            return bound.attributes.get_float("min", 0.0)
        return number_of(bound.inputs[1]) if len(bound.inputs) > 1 else None
    if bound.op_type not in ("Add", "Max") or len(bound.inputs) != 2:
        return None
    for value, other in zip(bound.inputs, reversed(bound.inputs), strict=True):
        known = number_of(value)
        if known is not None:
            return known if bound.op_type == "Max" or is_positive(other) else None
    return None


def is_positive(value: ir.Value | None) -> bool:
    """Whether it follows from how a tensor is made that nothing in it is negative."""
    maker = None if value is None else value.producer()
    if maker is not None and maker.op_type in ("Add", "Mul", "ReduceMean", "ReduceSum", *COPYING):
        given = maker.inputs[: 2 if maker.op_type in ("Add", "Mul") else 1]
        square = maker.op_type == "Mul" and given[0] is given[1]
        return square or all((number_of(one) or 0.0) > 0 or is_positive(one) for one in given)
    if maker is not None and maker.op_type == "MatMul":
        return all(_holds_none_negative(one) or is_positive(one) for one in maker.inputs)
    if maker is not None and maker.op_type == "Pow":
        return number_of(maker.inputs[1]) == 2
    return maker is not None and maker.op_type in POSITIVE


def _holds_none_negative(value: ir.Value | None) -> bool:
    content = constant_of(value)
    return content is not None and bool((content >= 0).all())
