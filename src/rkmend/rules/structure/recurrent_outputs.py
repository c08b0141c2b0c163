"""RKM251: outputs of a recurrent operator that nobody reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rkmend.rules.base import CannotApply, Exactness, Fact, Level
from rkmend.rules.forms import clipped, cut, joined, reshaped
from rkmend.rules.operator import OperatorRule
from rkmend.rules.replacement import Replacement
from rkmend.rules.structure.recurrent import GATES, Recurrent
from rkmend.targets import Target

if TYPE_CHECKING:
    import onnx_ir as ir


class RecurrentOutputs(OperatorRule):
    """An LSTM, GRU or RNN of which only the last state is wanted.

    ## What happens

    An output that is left out before one that is wanted:

        RuntimeException: [ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : Exception during initialization: ...
        onnxruntime::OrtValueIndex onnxruntime::PlannerImpl::Index ...

    An output that has a name and that nobody reads:

        E RKNN: IR builder create compute tensor meet unsupported elemtype: 0

    ## Why

    The toolkit breaks the names of empty outputs, and gives no dtype to outputs that nobody reads. An LSTM whose Y is
    not read is the only one of these that it handles.

    ## Example

    `LSTM` with outputs `"", Y_h`: the encoder of a classifier, as Keras and PyTorch export it.

    ## What rkmend does

    * `all-outputs`: of GRU and RNN it asks for Y alone and takes Y_h out of it: the last step of the forward direction
      and the first of the other. An LSTM gives all outputs up to the last that is wanted; where Y_c is wanted and Y_h
      is not, a zero made of Y_h (clipped to [0, 0]) is added to Y_c, so that it is read.

    ## Exactness and its limits

    Exact. Y_h can only be taken from Y where all sequences have all steps.

    ## Evidence

    Toolkit 2.3.2, rk3588: 23 of 23 forms of LSTM, GRU and RNN with an output that is left out before another were
    rejected; 4 of 4 with an unread one crashed.
    """

    code = "RKM251"
    name = "recurrent-outputs"
    level = Level.ERROR
    operators = frozenset(GATES)
    mend = "all-outputs"
    summary = (
        "Makes the operator give the outputs that the toolkit can handle, and the wanted ones from those."
    )
    exactness = Exactness.EXACT

    def holds(self, node: ir.Node, target: Target) -> Mapping[str, Fact] | None:
        """An output is wanted, and one before it is not; except Y_h of an LSTM that has a Y."""
        one = Recurrent.read(node)
        if one is None:
            return None
        wanted = [number for number in range(len(node.outputs)) if one.read_anywhere(number)]
        last = max(wanted, default=0)
        spare = {0} if node.op_type == "LSTM" and one.has(0) else set()
        if set(range(last)) - set(wanted) - spare:
            return {"outputs read": ", ".join(("Y", "Y_h", "Y_c")[number] for number in wanted)}
        return None

    def rewrite(self, node: ir.Node, new: Replacement) -> Sequence[ir.Value | None]:
        """The operator with other outputs."""
        one = Recurrent.read(node)
        assert one is not None
        count = len(node.outputs)
        if node.op_type != "LSTM":
            if not one.full:
                raise CannotApply("its sequences differ in length, so the last state is not the last step")
            y = new.node("y", node.op_type, node.inputs, node.attributes)
            return [y if one.has(0) else None, _last_state(one, new, y)]
        made: list[ir.Value | None] = [
            *new.nodes("y", node.op_type, node.inputs, node.attributes, outputs=count)
        ]
        if count == 3 and not one.read_anywhere(1):
            assert made[1] is not None
            zero = clipped(new, "zero_of_h", made[1], 0.0, 0.0)
            made[2] = new.node("c", "Add", [made[2], zero])
        return [value if one.has(number) else None for number, value in enumerate(made)]


def _last_state(one: Recurrent, new: Replacement, y: ir.Value) -> ir.Value:
    """Y_h [directions, batch, hidden] from Y [steps, directions, batch, hidden]."""
    states = []
    for number, reverse in enumerate(one.reverse):
        step = 0 if reverse else one.steps - 1
        state = cut(new, "step", y, 0, step, step + 1)
        if one.directions > 1:
            state = cut(new, "direction", state, 1, number, number + 1)
        states.append(reshaped(new, "state", state, [1, one.batch, one.hidden]))
    return joined(new, "states", states, 0)
