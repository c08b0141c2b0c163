"""RKM006: Loop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rkmend.graph import infer
from rkmend.graph.surgery import Surgery
from rkmend.graph.values import content_of
from rkmend.rules.base import CannotApply, Level
from rkmend.rules.model.bodies import hand_over, lift_copy
from rkmend.rules.model.tidy import drop_dead
from rkmend.rules.operands import constant_of, is_constant
from rkmend.rules.whole_model import WholeModelRule

if TYPE_CHECKING:
    from collections.abc import Sequence

    import onnx_ir as ir

LARGEST = 1024
"""Operators that a Loop may become. Own trials on a chain: 300 convert in seconds, 1200 not within two minutes."""


class CountedLoop(WholeModelRule):
    """A Loop that could be written out.

    ## What happens

    `build` raises:

        ValueError: The Loop('...') will cause the graph to be a dynamic graph! Remove it manually and try again!

    ## Why

    The toolkit has no loops.

    ## Example

    A `Loop` of three rounds over a tensor, from a `for` that was scripted.

    ## What rkmend does

    * `unroll`: writes the body once for each round, as long as the condition, which must follow from constants and
      shapes, holds. What the rounds collect is joined by Concat.

    ## Exactness and its limits

    `exact`: the same operators on the same values, in the same order. Not for a Loop whose number of rounds depends on
    the data, that collects nothing because it has no round, or that becomes more than 1024 operators.

    ## Evidence

    Toolkit 2.3.2, rk3588: each Loop tried failed with that message, and converted with right numbers unrolled.
    """

    code = "RKM006"
    name = "counted-loop"
    level = Level.ERROR
    operators = frozenset({"Loop"})
    mend = "unroll"
    summary = "Writes the body of each Loop once for each of its rounds."

    def places(self, model: ir.Model) -> list[ir.Node]:
        """The outermost loops."""
        return [node for node in model.graph if node.op_type == "Loop" and not node.domain]

    def rewrite(self, model: ir.Model) -> None:
        """Unrolls the outermost loop until there is none: an inner one comes up with each round."""
        while places := self.places(model):
            self._unroll(model, places[0])
            drop_dead(model)
            infer(model)

    def _unroll(self, model: ir.Model, node: ir.Node) -> None:
        import numpy as np
        import onnx_ir as ir

        body = node.attributes["body"].as_graph()
        limit, condition, *carried = node.inputs
        rounds = content_of(limit)
        if limit is not None and rounds is None:
            raise CannotApply(f"the number of rounds of Loop '{node.name}' is computed from the inputs")
        going: ir.Value | None = condition
        collected: list[list[ir.Value]] = [[] for _ in range(len(body.outputs) - 1 - len(carried))]
        surgery, number = Surgery(model), 0
        while (rounds is None or number < int(rounds.item())) and self._goes_on(model, node, going):
            if (number + 1) * len(body) > LARGEST:
                raise CannotApply(f"Loop '{node.name}' would become more than {LARGEST} operators")
            index = surgery.constant(
                f"{node.name}/rkmend/round_{number}", ir.tensor(np.array(number, np.int64))
            )
            held = going or surgery.constant(f"{node.name}/rkmend/true", ir.tensor(np.array(True)))
            arguments = [index, held, *(value for value in carried if value is not None)]
            going, *values = lift_copy(surgery, node, body, arguments, code=self.code, mend=self.mend)
            carried = list(values[: len(carried)])
            for row, value in zip(collected, values[len(carried) :], strict=True):
                row.append(value)
            number += 1
        if collected and not number:
            raise CannotApply(f"Loop '{node.name}' has no round and collects nothing")
        joined = [self._joined(surgery, node, row, part) for part, row in enumerate(collected)]
        hand_over(surgery, node, [value for value in (*carried, *joined) if value is not None])

    @staticmethod
    def _goes_on(model: ir.Model, node: ir.Node, condition: ir.Value | None) -> bool:
        """Whether there is another round, as far as the condition says; shapes are inferred where that is needed."""
        if condition is None:
            return True
        while (maker := condition.producer()) is not None and maker.op_type == "Identity" and maker.inputs[0]:
            condition = maker.inputs[0]
        if not is_constant(condition):
            infer(model)
        known = constant_of(condition)
        if known is None:
            raise CannotApply(f"the end of Loop '{node.name}' depends on the inputs")
        return bool(known.item())

    @staticmethod
    def _joined(surgery: Surgery, node: ir.Node, values: Sequence[ir.Value], part: int) -> ir.Value:
        """What the rounds collected, in a new first axis."""
        import numpy as np
        import onnx_ir as ir

        assert node.graph is not None
        if node.graph.opset_imports.get("", 1) < 13:
            rows = [ir.node("Unsqueeze", [value], {"axes": [0]}) for value in values]
        else:
            axes = surgery.constant(f"{node.name}/rkmend/axes_{part}", ir.tensor(np.array([0], np.int64)))
            rows = [ir.node("Unsqueeze", [value, axes]) for value in values]
        whole = ir.node("Concat", [row.outputs[0] for row in rows], {"axis": 0})
        for number, new in enumerate((*rows, whole)):
            new.name = new.outputs[0].name = surgery.fresh(f"{node.name}/rkmend/collected_{part}_{number}")
            new.outputs[0].type = node.outputs[-1].type
            node.graph.insert_before(node, new)
        return whole.outputs[0]
