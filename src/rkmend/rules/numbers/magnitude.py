"""RKM405: the magnitude of complex numbers, whose squares are beyond fp16."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rkmend.rules.base import Exactness, Finding, Level
from rkmend.rules.nodes import nodes_of
from rkmend.rules.numbers.not_finite import NotFinite
from rkmend.rules.numbers.squares import squares
from rkmend.rules.operands import number_of, only_maker
from rkmend.targets import Target

if TYPE_CHECKING:
    import onnx_ir as ir

MOVING = frozenset({"Flatten", "Identity", "Reshape", "Slice", "Squeeze", "Transpose", "Unsqueeze"})
"""Operators between the sum and the root that change no number."""


@dataclass(frozen=True)
class Magnitude:
    """The root of a * a + b * b.

    Attributes:
        nodes: All that take part, in graph order; the last one gives the root.
        parts: What is squared.
        between: Those of the nodes that only move numbers, in graph order.
        epsilon: Is added to the sum.
    """

    nodes: tuple[ir.Node, ...]
    parts: tuple[ir.Value, ir.Value]
    between: tuple[ir.Node, ...]
    epsilon: float | None


class ComplexMagnitude(NotFinite):
    """The magnitude of real and imaginary parts whose squares are larger than fp16 holds.

    ## What happens

    The model converts, and the simulator gives infinities or NaN where ONNX Runtime gives ordinary numbers.

    ## Why

    The largest number of fp16 is 65504, the square of 256. The parts of a spectrum are larger than that soon: a
    constant signal of 1 over a window of 1024 gives 512. The root would be small enough again.

    ## Example

    A spectrogram: two MatMul or Conv, `Mul(a, a)`, `Mul(b, b)`, Add, Transpose, Slice, Sqrt.

    ## What rkmend does

    * `scale-first`: divides both parts by the larger of their magnitudes, where that is above 1, and multiplies the
      root by it; what stands between the sum and the root comes behind it.

    ## Exactness and its limits

    `rounding`: equal in real arithmetic. Nothing is divided where no magnitude is above 1, so small values lose
    nothing.

    ## Evidence

    Toolkit 2.3.2, rk3588: the magnitude of parts around 300 is infinite in the simulator, and right with the mend; so
    in a network that finds the pitch of a voice, where a constant signal gives 512.
    """

    code = "RKM405"
    name = "complex-magnitude"
    level = Level.ADVICE
    operators = frozenset({"Sqrt"})
    mend = "scale-first"
    summary = "Divides both parts by the larger one before squaring and multiplies the root by it."
    exactness = Exactness.ROUNDING

    def find(self, model: ir.Model, target: Target) -> Iterator[Finding]:
        """Every such root; whether its values are large is for the simulator to say."""
        for node in nodes_of(model, self.operators):
            found = _magnitude(node)
            if found is not None:
                names = tuple(str(one.name) for one in found.nodes)
                message = (
                    f"Sqrt '{node.name}' gives the magnitude of two parts, whose squares may be beyond fp16."
                )
                yield Finding(self.code, self.name, names, {"between": len(found.between)}, message)

    def change(self, model: ir.Model, finding: Finding) -> None:
        """The division first."""
        import numpy as np

        node = finding.node_in(model, -1)
        found = _magnitude(node)
        assert found is not None
        new = self.replacement(node, found.nodes[:-1])
        dtype = node.outputs[0].dtype
        kind = dtype.numpy() if dtype else np.dtype(np.float32)
        sizes = [new.node("abs", "Abs", [part]) for part in found.parts]
        larger = new.node("larger", "Max", sizes)
        scale = new.node("scale", "Max", [larger, new.constant("one", np.ones(1, kind))])
        scaled = [new.node("scaled", "Div", [part, scale]) for part in found.parts]
        total = new.node("sum", "Add", [new.node("square", "Mul", [part, part]) for part in scaled])
        if found.epsilon is not None:
            epsilon = new.node(
                "epsilon", "Div", [new.constant("added", np.array(found.epsilon, kind)), scale]
            )
            total = new.node("plus_epsilon", "Add", [total, new.node("epsilon", "Div", [epsilon, scale])])
        result = new.node("root_times_scale", "Mul", [new.node("root", "Sqrt", [total]), scale])
        for one in found.between:
            result = new.node("moved", one.op_type, [result, *one.inputs[1:]], one.attributes)
        new.finish(result)


def _magnitude(node: ir.Node) -> Magnitude | None:
    """What a Sqrt gives the magnitude of, if nothing else reads what is on the way."""
    if node.op_type != "Sqrt" or node.domain:
        return None
    nodes, epsilon = [node], None
    between: list[ir.Node] = []
    maker = only_maker(node.inputs[0])
    while maker is not None and not maker.domain:
        nodes.insert(0, maker)
        if maker.op_type in MOVING:
            between.insert(0, maker)
        elif maker.op_type == "Add" and epsilon is None and (split := _number_added(maker)) is not None:
            epsilon, rest = split
            maker = only_maker(rest)
            continue
        else:
            break
        maker = only_maker(maker.inputs[0])
    if maker is None or maker.op_type != "Add":
        return None
    made = [only_maker(value) for value in maker.inputs]
    squared = [one for one in made if one is not None and squares(one)]
    parts = [value for one in squared if (value := one.inputs[0]) is not None]
    if len(parts) != 2 or parts[0].shape is None or parts[0].shape != parts[1].shape:
        return None
    return Magnitude((*squared, *nodes), (parts[0], parts[1]), tuple(between), epsilon)


def _number_added(node: ir.Node) -> tuple[float, ir.Value | None] | None:
    """The number that an Add adds, and what it adds it to."""
    for value, other in zip(node.inputs, reversed(node.inputs), strict=True):
        number = number_of(value)
        if number is not None:
            return number, other
    return None
