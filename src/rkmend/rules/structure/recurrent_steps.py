"""RKM252: recurrent operators that the compiler has no kernel for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rkmend.rules.base import CannotApply, Fact, Level
from rkmend.rules.operands import is_constant
from rkmend.rules.operator import OperatorRule
from rkmend.rules.replacement import Replacement
from rkmend.rules.structure.recurrent import GATES, Recurrent
from rkmend.rules.structure.unrolled import unrolled
from rkmend.targets import Target

if TYPE_CHECKING:
    import onnx_ir as ir

MOST_STEPS = 256
"""Of all directions together: about 15 operators each."""


class RecurrentSteps(OperatorRule):
    """An LSTM, GRU or RNN with peepholes, computed weights, coupled gates or sequence lengths.

    ## What happens

        E RKNN: SubGraphManager: not support yet

    and SIGABRT (peepholes, `input_forget`), SIGSEGV without a message (weights that are computed or graph inputs), or

        InvalidArgument: ... Non-zero status code returned while running LSTM node. ... Input sequence_lens must have
        shape {#}.

    ## Why

    The compiler has kernels for the plain LSTM and GRU with constant weights. `sequence_lens` it takes as a tensor of
    another dtype, or of another batch size.

    ## Example

    `LSTM` with the peephole weights `P`, or whose recurrence weights come out of another operator.

    ## What rkmend does

    * `unroll`: writes every step out: MatMul, Add, Mul and the activations. Where sequences end early, masks hold
      their state.

    ## Exactness and its limits

    `rounding`: the same operations; ONNX Runtime has its own approximation of Sigmoid and Tanh inside of LSTM and GRU.
    No more than 256 steps, both directions together.

    ## Evidence

    Toolkit 2.3.2, rk3588: of 45 forms of LSTM, GRU and RNN that give all that they are asked for 9 failed: those named
    here. Layout 1 is not looked at: ONNX Runtime does not run it.
    """

    code = "RKM252"
    name = "recurrent-steps"
    level = Level.ERROR
    operators = frozenset(GATES)
    mend = "unroll"
    summary = "Writes every step out in plain operators."

    def holds(self, node: ir.Node, target: Target) -> Mapping[str, Fact] | None:
        """Peepholes, coupled gates, weights that are not constant, or sequence lengths; as far as they fail."""
        one = Recurrent.read(node)
        if one is None:
            return None
        weights = [value for value in (one.input(1), one.input(2), one.input(3)) if value is not None]
        reasons = {
            "peepholes": node.op_type == "LSTM" and one.input(7) is not None,
            "input_forget": bool(node.attributes.get_int("input_forget", 0)),
            "computed weights": node.op_type != "RNN" and not all(map(is_constant, weights)),
            "sequence_lens": node.op_type != "GRU" and one.input(4) is not None,
        }
        facts: dict[str, Fact] = {name: True for name, holds in reasons.items() if holds}
        return {**facts, "steps": one.steps * one.directions} if facts else None

    def rewrite(self, node: ir.Node, new: Replacement) -> Sequence[ir.Value | None]:
        """The steps, one after the other."""
        one = Recurrent.read(node)
        assert one is not None
        if one.steps * one.directions > MOST_STEPS:
            raise CannotApply(f"{one.steps * one.directions} steps are more than {MOST_STEPS}")
        values = unrolled(one, new)
        return [values[number] if one.has(number) else None for number in range(len(node.outputs))]
