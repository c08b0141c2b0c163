"""RKM271: ReverseSequence whose lengths the model is fed or computes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rkmend.rules.base import Exactness, Fact
from rkmend.rules.operands import is_constant
from rkmend.rules.operator import OperatorRule
from rkmend.rules.replacement import Replacement
from rkmend.targets import Target

if TYPE_CHECKING:
    import onnx_ir as ir


class ReverseSequenceLengths(OperatorRule):
    """A ReverseSequence whose lengths are an input or computed, so that one of them may be 0.

    ## What happens

    The model converts, and where a length is 0 the simulator gives what an earlier run has left in memory.

    ## Why

    A sequence of length 0 is one that is left as it is. The toolkit's kernel writes nothing for it, not even that.

    ## Example

    `ReverseSequence` in front of the backward direction of a recurrent network, its lengths an input.

    ## What rkmend does

    * `at-least-one`: makes each length at least 1; a sequence of one step is its own reverse.

    ## Exactness and its limits

    `exact`.

    ## Evidence

    Toolkit 2.3.2, rk3588: wrong in 3 of 3 models of two axes, along either of them, for lengths of 0 alone; right with
    the mend for two and for three axes. Constant lengths convert.
    """

    code = "RKM271"
    name = "reverse-sequence-lengths"
    operators = frozenset({"ReverseSequence"})
    mend = "at-least-one"
    summary = "Makes each length at least 1."
    exactness = Exactness.EXACT

    def holds(self, node: ir.Node, target: Target) -> Mapping[str, Fact] | None:
        """With lengths that are not constant, and not bounded already."""
        lengths = node.inputs[1]
        maker = None if lengths is None else lengths.producer()
        bounded = maker is not None and maker.op_type in ("Max", "Clip", "Where")
        return None if is_constant(lengths) or bounded else {}

    def message(self, node: ir.Node, facts: Mapping[str, Fact]) -> str:
        """See `OperatorRule.message`."""
        return f"ReverseSequence '{node.name}' may get a length of 0."

    def rewrite(self, node: ir.Node, new: Replacement) -> Sequence[ir.Value | None]:
        """Where, since Max takes no integers before opset 12."""
        import numpy as np

        lengths, one = node.inputs[1], new.constant("one", np.ones(1, np.int64))
        none = new.node("none", "Less", [lengths, one])
        some = new.node("some", "Where", [none, one, lengths])
        return [new.node("reversed", "ReverseSequence", [node.inputs[0], some], node.attributes)]
