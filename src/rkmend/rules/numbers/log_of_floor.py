"""RKM403: a logarithm that is kept from zero by a number that fp16 does not have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rkmend.rules.base import Exactness, Finding, Level
from rkmend.rules.numbers.not_finite import NotFinite
from rkmend.rules.operands import is_constant, number_of, only_maker, operand
from rkmend.targets import Target

if TYPE_CHECKING:
    import onnx_ir as ir

SMALLEST = 2.0**-14
"""The smallest normal number of fp16; below it there are few bits, and none below 2^-24."""


class LogOfFloor(NotFinite):
    """The logarithm of what is at least a tiny number.

    ## What happens

    The model converts, and the simulator gives -infinity, or NaN behind it, where ONNX Runtime gives ordinary numbers:
    for silence, black images and all else that is zero.

    ## Why

    `Log(Max(x, 1e-12))` is how a network keeps away from the logarithm of zero. In fp16 1e-12 is zero.

    ## Example

    `Max(power, 1e-12)` and `Log` in front of a network that rates speech; `clamp(min=1e-10)` and `log10` of a mel
    spectrogram.

    ## What rkmend does

    * `floor-after`: takes the logarithm of the positive part first, and then at least the logarithm of the number.

    ## Exactness and its limits

    `rounding`: the logarithm is monotonic, so both are the same in real arithmetic, -infinity included.

    ## Evidence

    Toolkit 2.3.2, rk3588: `Log(Max(x, 1e-12))` of zeros is not finite in the simulator, the mended form is right.
    """

    code = "RKM403"
    name = "log-of-floor"
    level = Level.ADVICE
    operators = frozenset({"Log"})
    mend = "floor-after"
    summary = "Bounds the logarithm from below instead of what it is taken of."
    exactness = Exactness.ROUNDING

    def find(self, model: ir.Model, target: Target) -> Iterator[Finding]:
        """Every Log of a Max or Clip whose lower bound is below the normal numbers of fp16."""
        for node in model.graph:
            floor = _floor(node)
            if floor is not None:
                bound, smallest = floor
                message = f"Log '{node.name}' is kept from zero by {smallest:g}, which fp16 does not have."
                names = (str(bound.name), str(node.name))
                yield Finding(self.code, self.name, names, {"smallest": smallest}, message)

    def change(self, model: ir.Model, finding: Finding) -> None:
        """The bound behind the logarithm."""
        import numpy as np

        node = finding.node_in(model, -1)
        floor = _floor(node)
        assert floor is not None
        bound, smallest = floor
        new = self.replacement(node, [bound])
        dtype = node.outputs[0].dtype
        kind = dtype.numpy() if dtype else np.dtype(np.float32)
        positive = new.node("positive", "Relu", [_bounded(bound)])
        logarithm = new.node("log", "Log", [positive])
        floored = new.node(
            "floor", "Max", [logarithm, new.constant("smallest", np.log(np.array(smallest, kind)))]
        )
        largest = _highest(bound)
        if largest is not None:
            ceiling = new.constant("largest", np.log(np.array(largest, kind)))
            floored = new.node("ceiling", "Min", [floored, ceiling])
        new.finish(floored)


def _floor(node: ir.Node) -> tuple[ir.Node, float] | None:
    """What bounds the operand of a Log from below, for it alone, and the bound."""
    value = node.inputs[0] if node.op_type == "Log" and not node.domain else None
    bound = only_maker(value)
    if bound is None or bound.domain:
        return None
    if operand(bound, 2) is not None and _highest(bound) is None:
        return None
    smallest = _lowest(bound)
    return (bound, smallest) if smallest is not None and 0 < smallest < SMALLEST else None


def _lowest(bound: ir.Node) -> float | None:
    """The number that a Max of two, or a Clip, lets nothing be less than."""
    if bound.op_type == "Clip" and "min" in bound.attributes:
        return bound.attributes.get_float("min", 0.0)
    if bound.op_type == "Clip":
        return number_of(operand(bound, 1))
    if bound.op_type != "Max" or len(bound.inputs) != 2:
        return None
    constants = [value for value in bound.inputs if is_constant(value)]
    return number_of(constants[0]) if len(constants) == 1 else None


def _highest(bound: ir.Node) -> float | None:
    """What a Clip lets nothing be more than."""
    if bound.op_type != "Clip":
        return None
    if "max" in bound.attributes:
        return bound.attributes.get_float("max", 0.0)
    return number_of(operand(bound, 2))


def _bounded(bound: ir.Node) -> ir.Value:
    """The operand that is not the bound."""
    candidates = bound.inputs[:1] if bound.op_type == "Clip" else bound.inputs
    (value,) = (one for one in candidates if one is not None and not is_constant(one))
    return value
