"""A recurrent operator of a model, read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rkmend.graph.surgery import is_read
from rkmend.graph.values import content_of, static_shape
from rkmend.rules.operands import operand

if TYPE_CHECKING:
    import onnx_ir as ir

    from rkmend.rules.operands import Array

GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
"""Recurrent operators, and how many gates each has."""


@dataclass(frozen=True)
class Recurrent:
    """An LSTM, GRU or RNN whose shapes are known and whose first axis is time."""

    node: ir.Node
    steps: int
    batch: int
    hidden: int
    directions: int

    @staticmethod
    def read(node: ir.Node) -> Recurrent | None:
        """Reads a node; None where its shapes are not known, or its first axis is the batch (layout 1)."""
        data, recurrence = static_shape(node.inputs[0]), static_shape(node.inputs[2])
        if data is None or recurrence is None or node.attributes.get_int("layout", 0) != 0:
            return None
        return Recurrent(node, data[0], data[1], recurrence[2], recurrence[0])

    @property
    def reverse(self) -> tuple[bool, ...]:
        """For each direction, whether it runs from the last step to the first."""
        direction = self.node.attributes.get_string("direction", "forward")
        return {"forward": (False,), "reverse": (True,)}.get(direction, (False, True))

    @property
    def lengths(self) -> Array | None:
        """How many steps each sequence of the batch has; None where that is not constant."""
        import numpy as np

        given = self.input(4)
        return np.full(self.batch, self.steps) if given is None else content_of(given)

    @property
    def full(self) -> bool:
        """Whether every sequence has all steps."""
        return self.lengths is not None and bool((self.lengths == self.steps).all())

    def input(self, position: int) -> ir.Value | None:
        """An input; None where it is left out."""
        return operand(self.node, position)

    def has(self, output: int) -> bool:
        """Whether an output has a name."""
        return output < len(self.node.outputs) and bool(self.node.outputs[output].name)

    def read_anywhere(self, output: int) -> bool:
        """Whether somebody reads an output."""
        return self.has(output) and is_read(self.node.outputs[output])
