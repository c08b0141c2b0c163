"""Recurrent operators step by step: what one step computes is the definition of the ONNX operator."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING

from rkmend.rules.base import CannotApply
from rkmend.rules.forms import clipped, cut, joined, reshaped, split
from rkmend.rules.replacement import Replacement
from rkmend.rules.structure.recurrent import GATES, Recurrent

if TYPE_CHECKING:
    import onnx_ir as ir

    from rkmend.rules.operands import Array

DEFAULTS = {"LSTM": ["Sigmoid", "Tanh", "Tanh"], "GRU": ["Sigmoid", "Tanh"], "RNN": ["Tanh"]}
PARAMETERS = {
    "Sigmoid": {},
    "Tanh": {},
    "Relu": {},
    "Softsign": {},
    "Softplus": {},
    "LeakyRelu": {"alpha": 0.01},
    "Elu": {"alpha": 1.0},
    "ThresholdedRelu": {"alpha": 1.0},
    "HardSigmoid": {"alpha": 0.2, "beta": 0.5},
}
"""Activations that are operators of their own, with the defaults of their parameters."""


def unrolled(one: Recurrent, new: Replacement) -> list[ir.Value]:
    """All outputs of a recurrent operator, its steps written out.

    Raises:
        CannotApply: An activation is not known here.
    """
    runs = [Direction(one, new, number).run() for number in range(one.directions)]
    flat = joined(new, "directions", [joined(new, "steps", run.steps, 0) for run in runs], 2)
    y = reshaped(new, "y", flat, [one.steps, one.batch, one.directions, one.hidden])
    y = new.node("y_turned", "Transpose", [y], {"perm": [0, 2, 1, 3]})
    states = [joined(new, "states", [run.state for run in runs], 0)]
    if one.node.op_type == "LSTM":
        states.append(joined(new, "cells", [run.cell for run in runs if run.cell is not None], 0))
    return [y, *states]


@dataclass(frozen=True)
class Run:
    """What one direction gives: every step and the last state, [1, batch, hidden] each."""

    steps: list[ir.Value]
    state: ir.Value
    cell: ir.Value | None


class Direction:
    """One direction of a recurrent operator."""

    def __init__(self, one: Recurrent, new: Replacement, number: int) -> None:
        self._one, self._new, self._number = one, new, number
        self._kind = one.node.op_type
        self._activations = list(_activations(one.node))[number * len(DEFAULTS[self._kind]) :]
        self._late = self._kind == "GRU" and bool(one.node.attributes.get_int("linear_before_reset", 0))

    def run(self) -> Run:
        """All steps. A sequence without any has zeros for its last state, as ONNX Runtime has it."""
        one = self._one
        state, cell = self._start(5), self._start(6) if self._kind == "LSTM" else None
        given: dict[int, ir.Value] = dict(enumerate(split(self._new, "x", self._data, 0, [1] * one.steps)))
        steps: dict[int, ir.Value] = {}
        for time in sorted(given, reverse=one.reverse[self._number]):
            made, filled = self._step(given[time], state, cell)
            masks = self._masks(time)
            state, cell = self._chosen(masks, made, state), self._chosen(masks, filled, cell)
            steps[time] = self._mul(made, masks[0]) if masks else made
        masks = self._masks(0)
        if masks:
            state, cell = self._kept(masks[0], state), self._kept(masks[0], cell)
        assert state is not None
        return Run([steps[time] for time in range(one.steps)], state, cell)

    def _masks(self, time: int) -> tuple[ir.Value, ir.Value] | None:
        """1 for each sequence of the batch that still runs, 1 for each that has ended; None if all run."""
        import numpy as np

        one, new = self._one, self._new
        lengths, given = one.lengths, one.input(4)
        if lengths is not None:
            still: Array = (lengths > time).astype(self._dtype)[None, :, None]
            if still.all():
                return None
            mask = np.repeat(still, one.hidden, axis=2)
            return new.constant("running", mask), new.constant("ended", 1 - mask)
        assert given is not None
        as_float = new.node("as_float", "Cast", [given], {"to": self._data.dtype})
        length = reshaped(new, "length", as_float, [1, one.batch, 1])
        rest = new.node("rest", "Sub", [length, new.constant("time", np.array([time], self._dtype))])
        running = clipped(new, "running", rest, 0.0, 1.0)
        return running, new.node("ended", "Sub", [self._one_value, running])

    def _chosen(
        self, masks: tuple[ir.Value, ir.Value] | None, running: ir.Value | None, ended: ir.Value | None
    ) -> ir.Value | None:
        """The one where a sequence still runs, the other where it has ended."""
        if masks is None or running is None:
            return running
        return self._add(self._mul(running, masks[0]), self._kept(masks[1], ended))

    def _step(
        self, x: ir.Value, state: ir.Value | None, cell: ir.Value | None
    ) -> tuple[ir.Value, ir.Value | None]:
        """The next state and cell; `x` is the input times its weights, with the biases that belong there."""
        if self._kind == "LSTM":
            return self._lstm(x, state, cell)
        return (self._gru(x, state) if self._kind == "GRU" else self._rnn(x, state)), None

    def _rnn(self, x: ir.Value, state: ir.Value | None) -> ir.Value:
        return self._active(0, self._add(x, self._recurred(state)))

    def _lstm(
        self, x: ir.Value, state: ir.Value | None, cell: ir.Value | None
    ) -> tuple[ir.Value, ir.Value | None]:
        """Gates in the order of the weights: input, output, forget, cell; peepholes: input, output, forget."""
        into, out, forget, fresh = self._gates("gates", self._add(x, self._recurred(state)), 4)
        opened = self._active(0, self._peep(into, 0, cell))
        if self._one.node.attributes.get_int("input_forget", 0):
            kept = self._new.node("kept", "Sub", [self._one_value, opened])
        else:
            kept = self._active(0, self._peep(forget, 2, cell))
        cell = self._add(self._mul(opened, self._active(1, fresh)), self._kept(kept, cell))
        shown = self._active(0, self._peep(out, 1, cell))
        return self._mul(shown, self._active(2, cell, clip=False)), cell

    def _gru(self, x: ir.Value, state: ir.Value | None) -> ir.Value:
        """Gates in the order of the weights: update, reset, hidden."""
        x_update, x_reset, x_hidden = self._gates("x_gates", x, 3)
        update: ir.Value | None = None
        reset: ir.Value | None = None
        hidden: ir.Value | None = None
        if self._late:
            recurred = self._recurred(state)
            if recurred is not None:
                update, reset, hidden = self._gates("h_gates", recurred, 3)
        elif state is not None:
            update, reset = (self._product(state, self._recurrence[gate]) for gate in (0, 1))
        update, reset = (
            self._active(0, self._add(x_update, update)),
            self._active(0, self._add(x_reset, reset)),
        )
        if self._late:
            hidden = self._kept(reset, hidden)
        elif state is not None:
            hidden = self._product(self._mul(reset, state), self._recurrence[2])
        hidden = self._active(1, self._add(x_hidden, hidden))
        change = self._mul(self._new.node("open", "Sub", [self._one_value, update]), hidden)
        return self._add(change, self._kept(update, state))

    @cached_property
    def _data(self) -> ir.Value:
        """Input times weights, with all biases that are added before the gates open: [steps, batch, gates]."""
        one, new = self._one, self._new
        data, weights = one.node.inputs[0], self._side(one.input(1))
        assert data is not None
        product = self._product(data, self._turned(weights))
        biases = self._biases
        if biases is None:
            return product
        first, second = biases
        if self._late:
            second = new.node("early_bias", "Mul", [second, new.constant("early", self._mask(1, 1, 0))])
        return self._add(product, self._add(first, second))

    def _mask(self, *gates: int) -> Array:
        """These numbers, one for each gate, as wide as the gate is."""
        import numpy as np

        return np.repeat(np.array(gates, self._dtype), self._one.hidden)

    def _recurred(self, state: ir.Value | None) -> ir.Value | None:
        """State times weights, with the bias that is added before the reset; None where there is neither."""
        product = None if state is None else self._product(state, self._all_recurrence)
        if not self._late or self._biases is None:
            return product
        bias = self._new.node(
            "late_bias", "Mul", [self._biases[1], self._new.constant("late", self._mask(0, 0, 1))]
        )
        return self._add(bias, product)

    @cached_property
    def _biases(self) -> tuple[ir.Value, ir.Value] | None:
        given = self._one.input(3)
        if given is None:
            return None
        size = GATES[self._kind] * self._one.hidden
        row = reshaped(self._new, "biases", self._side(given), [1, 1, 2 * size])
        first, second = split(self._new, "bias", row, 2, [size, size])
        return first, second

    @cached_property
    def _all_recurrence(self) -> ir.Value:
        return self._turned(self._side(self._one.input(2)))

    @cached_property
    def _recurrence(self) -> list[ir.Value]:
        """The recurrence weights of each gate."""
        return self._gates("recurrence", self._all_recurrence, GATES[self._kind])

    @cached_property
    def _peepholes(self) -> list[ir.Value]:
        given = self._one.input(7) if self._kind == "LSTM" else None
        return [] if given is None else self._gates("peepholes", self._side(given), 3)

    @cached_property
    def _one_value(self) -> ir.Value:
        import numpy as np

        return self._new.constant("one", np.ones((1, 1, 1), self._dtype))

    @cached_property
    def _dtype(self) -> type:
        data = self._one.node.inputs[0]
        assert data is not None and data.dtype is not None
        return data.dtype.numpy().type

    def _side(self, value: ir.Value | None) -> ir.Value:
        """What of weights, biases or states belongs to this direction; its first axis has one element then."""
        assert value is not None
        if self._one.directions == 1:
            return value
        return cut(self._new, "side", value, 0, self._number, self._number + 1)

    def _start(self, position: int) -> ir.Value | None:
        """The first state or cell; None for zeros."""
        given = self._one.input(position)
        return None if given is None else self._side(given)

    def _turned(self, weights: ir.Value) -> ir.Value:
        return self._new.node("weights", "Transpose", [weights], {"perm": [0, 2, 1]})

    def _gates(self, part: str, value: ir.Value, count: int) -> list[ir.Value]:
        rank = 2 if part == "peepholes" else 3
        return list(split(self._new, part, value, rank - 1, [self._one.hidden] * count))

    def _peep(self, gate: ir.Value, number: int, cell: ir.Value | None) -> ir.Value:
        return self._add(gate, self._kept(self._peepholes[number], cell)) if self._peepholes else gate

    def _active(self, number: int, value: ir.Value, *, clip: bool = True) -> ir.Value:
        limit = self._one.node.attributes.get_float("clip", 0.0)
        if limit and clip:
            value = clipped(self._new, "clipped", value, -limit, limit)
        return self._activations[number](self._new, value)

    def _product(self, left: ir.Value, right: ir.Value) -> ir.Value:
        return self._new.node("product", "MatMul", [left, right])

    def _add(self, left: ir.Value, right: ir.Value | None) -> ir.Value:
        return left if right is None else self._new.node("sum", "Add", [left, right])

    def _mul(self, left: ir.Value, right: ir.Value) -> ir.Value:
        return self._new.node("scaled", "Mul", [left, right])

    def _kept(self, gate: ir.Value, before: ir.Value | None) -> ir.Value | None:
        return None if before is None else self._mul(gate, before)


def _activations(node: ir.Node) -> Iterator[Callable[[Replacement, ir.Value], ir.Value]]:
    """For all directions; each takes its parameters from the lists of the node, as far as it has any."""
    names = node.attributes.get_strings("activations", ()) or DEFAULTS[node.op_type] * 2
    known = {name.lower(): name for name in PARAMETERS}
    rest = {name: list(node.attributes.get_floats(f"activation_{name}", ())) for name in ("alpha", "beta")}
    for given in names:
        name = known.get(given.lower())
        if name is None:
            raise CannotApply(f"its activation {given} is no operator of its own")
        attributes = {
            key: rest[key].pop(0) if rest[key] else value for key, value in PARAMETERS[name].items()
        }
        yield partial(_active, name, attributes)


def _active(name: str, attributes: dict[str, float], new: Replacement, value: ir.Value) -> ir.Value:
    return new.node(name.lower(), name, [value], attributes)
