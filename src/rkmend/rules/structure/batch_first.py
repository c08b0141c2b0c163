"""RKM272: recurrent operators whose first axis is the batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rkmend.rules.base import Exactness, Fact
from rkmend.rules.operator import OperatorRule
from rkmend.rules.replacement import Replacement
from rkmend.rules.structure.recurrent import GATES
from rkmend.targets import Target

if TYPE_CHECKING:
    import onnx_ir as ir

SWAPPED = [1, 0, 2]
"""Of X, the states and their outputs: what comes first is the batch with layout 1, and steps or directions with 0."""
Y_BATCH_FIRST = [2, 0, 1, 3]
"""Y is [steps, directions, batch, hidden] with layout 0, and [batch, steps, directions, hidden] with 1."""
STATES = (5, 6)
"""Inputs: the first state and, of an LSTM, the first cell."""


class BatchFirst(OperatorRule):
    """An LSTM, GRU or RNN whose first axis is the batch (layout 1).

    ## What happens

    `build` raises:

        RuntimeException: [ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : Exception during initialization: ...
        layout_ == 0 was false. Batchwise recurrent operations (layout == 1) are not supported.

    ## Why

    Neither the toolkit nor the ONNX Runtime that it folds constants with knows the other layout.

    ## Example

    `LSTM` with `layout` 1.

    ## What rkmend does

    * `steps-first`: exchanges the axes of input and states before, and those of the outputs behind.

    ## Exactness and its limits

    `rounding`: the same operator on the same numbers. ONNX Runtime does not run layout 1 either; the reference
    evaluator of the onnx package, which the proof falls back on, rounds in other places.

    ## Evidence

    Toolkit 2.3.2, rk3588: LSTM, GRU and RNN of layout 1 are rejected, and convert with right numbers with the mend.
    """

    code = "RKM272"
    name = "batch-first"
    operators = frozenset(GATES)
    mend = "steps-first"
    summary = "Exchanges the axes before and behind the operator."
    exactness = Exactness.ROUNDING

    def holds(self, node: ir.Node, target: Target) -> Mapping[str, Fact] | None:
        """With layout 1."""
        return {} if node.attributes.get_int("layout", 0) == 1 else None

    def message(self, node: ir.Node, facts: Mapping[str, Fact]) -> str:
        """See `OperatorRule.message`."""
        return f"{node.op_type} '{node.name}' has the batch as its first axis."

    def rewrite(self, node: ir.Node, new: Replacement) -> Sequence[ir.Value | None]:
        """Transpose, the operator with layout 0, Transpose."""
        inputs = list(node.inputs)
        for place in (0, *STATES):
            if place < len(inputs) and inputs[place] is not None:
                inputs[place] = new.node(f"input_{place}", "Transpose", [inputs[place]], {"perm": SWAPPED})
        attributes = {name: value for name, value in node.attributes.items() if name != "layout"}
        made = new.nodes("steps", node.op_type, inputs, attributes, outputs=len(node.outputs))
        return [
            new.node(f"output_{place}", "Transpose", [value], {"perm": SWAPPED if place else Y_BATCH_FIRST})
            if old.name
            else None
            for place, (old, value) in enumerate(zip(node.outputs, made, strict=True))
        ]
