"""RKM008: inputs that the toolkit wants to know beforehand."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rkmend.graph.model import graph_inputs
from rkmend.graph.values import content_of
from rkmend.graph.walk import bodies_of
from rkmend.rules.base import Fact, Finding, Mend, Rule
from rkmend.rules.operands import is_constant, operand
from rkmend.targets import Target
from rkmend.toolkit.verdict import Outcome, Verdict

if TYPE_CHECKING:
    import onnx_ir as ir

_REFUSAL = re.compile(r"need to be constant|dynamic graph|Unable to handle object of type")

_REDUCTIONS = {
    f"Reduce{kind}": (1,)
    for kind in ("L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "Sum", "SumSquare")
}
OPERANDS: dict[str, tuple[int, ...]] = {
    **_REDUCTIONS,
    "AffineGrid": (1,),
    "BlackmanWindow": (0,),
    "CenterCropPad": (1,),
    "Clip": (1, 2),
    "Col2Im": (1, 2),
    "Compress": (1,),
    "ConstantOfShape": (0,),
    "CumSum": (1,),
    "DFT": (1, 2),
    "DequantizeLinear": (1, 2),
    "Dropout": (1, 2),
    "Expand": (1,),
    "HammingWindow": (0,),
    "HannWindow": (0,),
    "If": (0,),
    "Loop": (0, 1),
    "MaxUnpool": (2,),
    "MelWeightMatrix": (0, 1, 2, 3, 4),
    "NonMaxSuppression": (2, 3, 4),
    "OneHot": (1, 2),
    "Pad": (1, 2, 3),
    "QLinearConv": (1, 2, 4, 5, 6, 7),
    "QLinearMatMul": (1, 2, 4, 5, 6, 7),
    "QuantizeLinear": (1, 2),
    "Range": (0, 1, 2),
    "Reshape": (1,),
    "Resize": (1, 2, 3),
    "STFT": (1, 3),
    "SequenceAt": (1,),
    "SequenceErase": (1,),
    "SequenceInsert": (2,),
    "Slice": (1, 2, 3, 4),
    "Split": (1,),
    "SplitToSequence": (1,),
    "Squeeze": (1,),
    "Tile": (1,),
    "TopK": (1,),
    "Trilu": (1,),
    "Unsqueeze": (1,),
    "Upsample": (1,),
}
"""Inputs that say how an operator works, not what it works on: sizes, axes, limits. By index."""
ARITHMETIC = frozenset(
    {"Abs", "Add", "Cast", "CastLike", "Ceil", "Concat", "ConstantOfShape", "Div", "Equal", "Expand", "Floor"}
    | {
        "Gather",
        "Greater",
        "Identity",
        "Less",
        "Max",
        "Min",
        "Mod",
        "Mul",
        "Neg",
        "Not",
        "Range",
        "ReduceMax",
    }
    | {
        "ReduceMin",
        "ReduceProd",
        "ReduceSum",
        "Relu",
        "Reshape",
        "Round",
        "ScatterND",
        "Slice",
        "Split",
        "Squeeze",
    }
    | {"Sub", "Unsqueeze", "Where"}
)
"""What sizes are computed with, from inputs that are sizes themselves. Anything else makes them depend on the data."""


class ConstantInputs(Rule):
    """An operator whose sizes, axes or limits are inputs of the model.

    ## What happens

    `build` raises:

        ValueError: The input 1 of Tile('...') need to be constant! It will cause the graph to be a dynamic graph!

    ## Why

    The toolkit decides on every shape and every size beforehand. The number of repeats of a Tile, the `k` of a TopK or
    the sample rate that an If asks for must be in the model.

    ## Example

    `TopK` with `k` as an input.

    ## What rkmend does

    Nothing by itself: only you know the value. `--constant NAME=VALUE` replaces an input by it. Where the value
    is computed from the data, there is none: cut the model before the operator.

    ## Exactness and its limits

    With `--constant` the model is that of one value.

    ## Evidence

    Toolkit 2.3.2, rk3588: ONNX backend tests of Resize, Slice, TopK, Tile, Expand, CumSum, Pad, Range, the reductions
    and others feed such inputs, and all are refused.
    """

    code = "RKM008"
    name = "constant-inputs"
    static_only = True

    def find(self, model: ir.Model, target: Target) -> Iterator[Finding]:
        """Operators of the main graph with such an input that is not known."""
        for node in model.graph:
            for index, value in _open_operands(node):
                sources = _sources(value)
                names = [str(source.name) for source in sources or ()]
                facts: dict[str, Fact] = {
                    "operator": node.op_type,
                    "operand": index,
                    "inputs": ", ".join(names),
                }
                what = f"{node.op_type} '{node.name}' needs its input {index} ('{value.name}') to be constant"
                advice = (
                    f"it comes from {', '.join(map(repr, names))}: give "
                    + " ".join(f"--constant {name}=VALUE" for name in names)
                    if names
                    else "it is computed from the data: cut the model before it"
                )
                yield Finding(self.code, self.name, (str(node.name),), facts, f"{what}; {advice}.")

    def recognises(self, verdict: Verdict) -> bool:
        """The toolkit's refusals of what it calls a dynamic graph."""
        return verdict.outcome is Outcome.REJECTED and _REFUSAL.search(verdict.message) is not None

    def mends(self, model: ir.Model, target: Target, finding: Finding) -> Sequence[Mend]:
        """None."""
        return ()


def constant_inputs(model: ir.Model) -> tuple[str, ...]:
    """The graph inputs that operators anywhere in a model need constant, in the order of the inputs."""
    needed = {
        source
        for node in model.graph.all_nodes()
        for _, value in _open_operands(node)
        for source in _sources(value) or ()
    }
    return tuple(str(value.name) for value in graph_inputs(model.graph) if value in needed)


def _open_operands(node: ir.Node) -> Iterator[tuple[int, ir.Value]]:
    """The operands of a node that are neither missing nor known, by index."""
    for index in OPERANDS.get(node.op_type, ()) if not node.domain else ():
        value = operand(node, index)
        if value is None or content_of(value) is not None:
            continue
        if value.is_graph_input() or not is_constant(value):
            yield index, value


def _sources(value: ir.Value) -> list[ir.Value] | None:
    """The graph inputs that a value is computed from by the arithmetic of sizes alone; None if by anything else."""
    sources: dict[ir.Value, None] = {}
    pending, seen = [value], {value}
    while pending:
        current = pending.pop()
        maker = current.producer()
        if maker is None:
            if current.is_graph_input():
                sources[current] = None
        elif maker.op_type in ARITHMETIC or maker.op_type == "If":
            given = [body.outputs[current.index() or 0] for body in bodies_of(maker)]
            inputs = [one for one in (*maker.inputs, *given) if one is not None and one not in seen]
            pending += [one for one in inputs if one.is_graph_input() or content_of(one) is None]
            seen.update(inputs)
        elif maker.op_type not in ("Constant", "Shape", "Size"):
            return None
    return list(sources)
