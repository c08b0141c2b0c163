"""RKM404: a logarithm that is kept from zero by adding a number that fp16 does not have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rkmend.rules.base import Exactness, Fact, Finding, Level
from rkmend.rules.nodes import nodes_of
from rkmend.rules.numbers.not_finite import NotFinite
from rkmend.rules.numbers.tiny_divisor import is_positive
from rkmend.rules.operands import number_of
from rkmend.targets import Target

if TYPE_CHECKING:
    import onnx_ir as ir

NONE = 2.0**-24
"""The smallest number that fp16 has."""


class LogOfSum(NotFinite):
    """The logarithm of what is not negative and a tiny number.

    ## What happens

    The model converts, and the simulator gives -infinity, or NaN behind it, where ONNX Runtime gives ordinary numbers:
    for silence, black images and all else that is zero. A maximum, a comparison or a mask further on can hide the NaN,
    and the numbers are merely wrong.

    ## Why

    `Log(x + 1e-8)` is how a network keeps away from the logarithm of zero. In fp16 1e-8 is zero.

    ## Example

    A spectrogram: MatMul, Add of 1e-8, Log.

    ## What rkmend does

    * `floor-after`: takes the logarithm without the number, and then at least the logarithm of the number.

    ## Exactness and its limits

    `bounded`: the logarithm of x changes by log(1 + e / x) where x is above e, by log(2) at e itself, not at all at
    zero. fp16 rounds x by up to 2^-25, which changes the logarithm by more. On random inputs the whole model may
    differ by no more than 2^-13. Allow it with `--exactness bounded`.

    ## Evidence

    Toolkit 2.3.2, rk3588: Log(x * x + 1e-8) of zeros is -infinity in the simulator, the mended form is right; so in a
    network that finds the pitch of a voice. With 1e-6 the model converts and is right.
    """

    code = "RKM404"
    name = "log-of-sum"
    level = Level.ADVICE
    operators = frozenset({"Log"})
    mend = "floor-after"
    summary = "Takes the logarithm without the number, and then at least the logarithm of the number."
    exactness = Exactness.BOUNDED
    bound = 2.0**-13

    def find(self, model: ir.Model, target: Target) -> Iterator[Finding]:
        """All of them at once: what is no number anywhere is none behind it."""
        found = {
            str(node.name): sum_[1]
            for node in nodes_of(model, self.operators)
            if (sum_ := _sum(node)) is not None
        }
        if found:
            listed = ", ".join(f"'{name}' by {smallest:g}" for name, smallest in found.items())
            message = f"Logarithms are kept from zero by numbers that fp16 does not have: {listed}."
            facts: dict[str, Fact] = {"logarithms": len(found), "smallest": min(found.values())}
            yield Finding(self.code, self.name, (), facts, message)

    def change(self, model: ir.Model, finding: Finding) -> None:
        """The bound behind each logarithm."""
        import numpy as np

        for node in list(nodes_of(model, self.operators)):
            found = _sum(node)
            if found is None:
                continue
            value, smallest = found
            new = self.replacement(node)
            kind = np.dtype(np.float32) if value.dtype is None else value.dtype.numpy()
            logarithm = new.node("log", "Log", [value])
            least = new.constant("smallest", np.log(np.array(smallest, kind)))
            new.finish(new.node("floor", "Max", [logarithm, least]))


def _sum(node: ir.Node) -> tuple[ir.Value, float] | None:
    """What a Log is taken of besides a number that fp16 does not have, and the number."""
    if node.op_type != "Log" or node.domain or node.inputs[0] is None:
        return None
    sum_ = node.inputs[0].producer()
    if sum_ is None or sum_.op_type != "Add" or sum_.domain:
        return None
    for value, other in zip(sum_.inputs, reversed(sum_.inputs), strict=True):
        smallest = number_of(other)
        if value is not None and smallest is not None and 0 < smallest < NONE and is_positive(value):
            return value, smallest
    return None
