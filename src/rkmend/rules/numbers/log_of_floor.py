"""RKM403: a logarithm that is kept from zero by a number that fp16 does not have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from rkmend.graph.values import content_of
from rkmend.rules.base import Exactness, Finding, Mend, Rule
from rkmend.rules.replacement import Replacement
from rkmend.targets import Target
from rkmend.toolkit.verdict import Outcome, Verdict

if TYPE_CHECKING:
    import onnx_ir as ir

SMALLEST = 2.0**-14
"""The smallest normal number of fp16; below it there are few bits, and none below 2^-24."""


class LogOfFloor(Rule):
    """The logarithm of what is at least a tiny number.

    ## What happens

    The model converts, and the simulator gives -infinity, or NaN behind it, where ONNX Runtime gives ordinary numbers:
    for silence, black images and all else that is zero.

    ## Why

    `Log(Max(x, 1e-12))` is how a network keeps away from the logarithm of zero. In fp16 1e-12 is zero.

    ## Example

    `Max(power, 1e-12)` and `Log` in front of a network that rates speech.

    ## What rkmend does

    * `floor-after`: takes the logarithm of the positive part first, and then at least the logarithm of the number.

    ## Exactness and its limits

    `rounding`: the logarithm is monotonic, so both are the same in real arithmetic, -infinity included.

    ## Evidence

    Toolkit 2.3.2, rk3588: `Log(Max(x, 1e-12))` of zeros is not finite in the simulator, the mended form is right.
    """

    code = "RKM403"
    name = "log-of-floor"

    def find(self, model: ir.Model, target: Target) -> Iterator[Finding]:
        """Every Log of a Max or Clip whose lower bound is below the normal numbers of fp16."""
        for node in model.graph:
            floor = _floor(node)
            if floor is not None:
                bound, smallest = floor
                message = f"Log '{node.name}' is kept from zero by {smallest:g}, which fp16 does not have."
                names = (str(bound.name), str(node.name))
                yield Finding(self.code, self.name, names, {"smallest": smallest}, message)

    def recognises(self, verdict: Verdict) -> bool:
        """Something is infinite or NaN that is not with ONNX Runtime."""
        wrong = verdict.outcome is Outcome.WRONG
        return wrong and any(found.shape_ok and not found.finite for found in verdict.agreement)

    def mends(self, model: ir.Model, target: Target, finding: Finding) -> Sequence[Mend]:
        """The bound behind the logarithm."""
        summary = "Bounds the logarithm from below instead of what it is taken of."
        rewrite = partial(self._exchange, finding.nodes[-1])
        return [Mend("floor-after", summary, Exactness.ROUNDING, rewrite=rewrite)]

    def _exchange(self, name: str, model: ir.Model) -> None:
        import numpy as np

        node = next(node for node in model.graph if node.name == name)
        floor = _floor(node)
        assert floor is not None
        bound, smallest = floor
        new = Replacement(node, code=self.code, mend="floor-after", others=[bound])
        dtype = node.outputs[0].dtype
        kind = dtype.numpy() if dtype else np.dtype(np.float32)
        positive = new.node("positive", "Relu", [_bounded(bound)])
        logarithm = new.node("log", "Log", [positive])
        new.finish(
            new.node("floor", "Max", [logarithm, new.constant("smallest", np.log(np.array(smallest, kind)))])
        )


def _floor(node: ir.Node) -> tuple[ir.Node, float] | None:
    """What bounds the operand of a Log from below, for it alone, and the bound."""
    value = node.inputs[0] if node.op_type == "Log" and not node.domain else None
    bound = value.producer() if value is not None else None
    if value is None or bound is None or len(value.uses()) != 1 or value.is_graph_output() or bound.domain:
        return None
    smallest = _lowest(bound)
    return (bound, smallest) if smallest is not None and 0 < smallest < SMALLEST else None


def _lowest(bound: ir.Node) -> float | None:
    """The number that a Max of two, or a Clip from below alone, lets nothing be less than."""
    if bound.op_type == "Max" and len(bound.inputs) == 2:
        arrays = [array for value in bound.inputs if (array := content_of(value)) is not None]
    elif bound.op_type == "Clip" and len(bound.inputs) == 2:
        array = content_of(bound.inputs[1])
        arrays = [] if array is None else [array]
    else:
        return None
    return float(arrays[0].reshape(())) if len(arrays) == 1 and arrays[0].size == 1 else None


def _bounded(bound: ir.Node) -> ir.Value:
    """The operand that is not the bound."""
    (value,) = (one for one in bound.inputs if one is not None and content_of(one) is None)
    return value
