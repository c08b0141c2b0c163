"""RKM307: an LSTM that is given its state, in an int8 build."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rkmend.rules.base import CannotApply, Exactness, Fact, Level
from rkmend.rules.operands import is_constant
from rkmend.rules.operator import OperatorRule
from rkmend.rules.replacement import Replacement
from rkmend.rules.structure.recurrent import Recurrent
from rkmend.rules.structure.recurrent_steps import MOST_STEPS
from rkmend.rules.structure.unrolled import unrolled
from rkmend.targets import Target

if TYPE_CHECKING:
    import onnx_ir as ir


class GivenState(OperatorRule):
    """An LSTM that is given its state comes out wrong in an int8 build.

    ## What happens

    The int8 build converts without a message, and the simulator's states are far off. In fp16 the same model is right.
    Where the states alone are read, and not the output, the build dies, by SIGSEGV in RKNNPerChannelPrep or before.

    ## Why

    Not known; an int8 LSTM that starts from zeros is as good as its steps allow.

    ## Example

    `LSTM` with `initial_h` and `initial_c` as inputs of the model: a network that runs on a stream of sound, a frame
    at a time.

    ## What rkmend does

    * `unroll`: writes every step out: MatMul, Add, Mul and the activations, each with a range of its own.

    ## Exactness and its limits

    `rounding`: the same operations; ONNX Runtime has its own approximation of Sigmoid and Tanh inside of LSTM. No more
    than 256 steps, both directions together.

    ## Evidence

    Toolkit 2.3.2, rk3588, 32 inputs, 32 hidden: one step is 12 to 33 % off in the root mean square, which is 5 to 18
    times what rounding to int8 alone does; four steps 3 to 14 %. Written out, one step is 1 to 3 % off and four are
    3 %, half of what rounding alone may do. Without a given state, 12 steps are 1.5 % off.
    """

    code = "RKM307"
    name = "given-state"
    level = Level.ADVICE
    operators = frozenset({"LSTM"})
    mend = "unroll"
    summary = "Writes every step out in plain operators."
    exactness = Exactness.ROUNDING

    def holds(self, node: ir.Node, target: Target) -> Mapping[str, Fact] | None:
        """A state that is computed or an input."""
        one = Recurrent.read(node)
        if one is None:
            return None
        states = [value for value in (one.input(5), one.input(6)) if value is not None]
        return None if all(map(is_constant, states)) else {"steps": one.steps * one.directions}

    def message(self, node: ir.Node, facts: Mapping[str, Fact]) -> str:
        """See `OperatorRule.message`."""
        return f"LSTM '{node.name}' is given its state, which int8 builds get wrong."

    def rewrite(self, node: ir.Node, new: Replacement) -> Sequence[ir.Value | None]:
        """The steps, one after the other."""
        one = Recurrent.read(node)
        assert one is not None
        if one.steps * one.directions > MOST_STEPS:
            raise CannotApply(f"{one.steps * one.directions} steps are more than {MOST_STEPS}")
        values = unrolled(one, new)
        return [values[number] if one.has(number) else None for number in range(len(node.outputs))]
