"""RKM060: a mean that is an output in another shape, which the toolkit drops."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rkmend.graph.values import static_shape
from rkmend.rules.base import Exactness, Finding
from rkmend.rules.interface.one_more import copied
from rkmend.rules.single_mend import SingleMend
from rkmend.targets import Target
from rkmend.toolkit.verdict import Outcome, Verdict

if TYPE_CHECKING:
    import onnx_ir as ir


class ReshapedMean(SingleMend):
    """An output that is the mean of the rows of a matrix in another shape, where something else reads the mean.

    ## What happens

    The model converts, and the .rknn has one output less than the model, or `build` raises:

        KeyError: 'M_rs' (in fold_constant)

    ## Why

    The toolkit makes a matrix product of the mean, with Reshapes around it, and loses one when it joins them with the
    Reshape of the model.

    ## Example

    LayerNormalization in single operators on a matrix, with its mean as an output of four axes.

    ## What rkmend does

    * `own-tensor`: gives out the maximum of the reshaped mean with itself.

    ## Exactness and its limits

    `exact`.

    ## Evidence

    Toolkit 2.3.2, rk3588: 4 of 4 models with ReduceMean over the last axis of a matrix of two rows lost the output or
    were rejected, and converted with the Max. One row, three axes, ReduceSum, ReduceMax, Squeeze or Unsqueeze in place
    of Reshape, and a mean that nothing else reads all convert.
    """

    code = "RKM060"
    name = "reshaped-mean"
    operators = frozenset({"ReduceMean"})
    mend = "own-tensor"
    summary = "Makes each such output a tensor that the toolkit keeps."
    exactness = Exactness.EXACT

    def find(self, model: ir.Model, target: Target) -> Iterator[Finding]:
        """All of them at once: with an output missing, none is told from the others."""
        if found := _reshaped(model):
            listed = ", ".join(str(node.outputs[0].name) for node in found)
            message = f"Outputs that are means of rows, reshaped, get lost ({listed})."
            yield Finding(self.code, self.name, (), {"outputs": listed}, message)

    def recognises(self, verdict: Verdict) -> bool:
        """Outputs that are missing, or the exception."""
        missing = any(not found.shape_ok for found in verdict.agreement)
        return verdict.outcome is Outcome.REJECTED or (verdict.outcome is Outcome.WRONG and missing)

    def change(self, model: ir.Model, finding: Finding) -> None:
        """Max behind each Reshape."""
        for node in _reshaped(model):
            new = self.replacement(node)
            moved = new.node("moved", "Reshape", node.inputs, node.attributes)
            moved.shape = node.outputs[0].shape
            new.finish(copied(new, moved, static_shape(node.outputs[0])))


def _reshaped(model: ir.Model) -> list[ir.Node]:
    """Reshapes that give an output, of the means of several rows, which something else reads as well."""
    return [
        node
        for node in model.graph
        if node.op_type == "Reshape" and node.outputs[0].is_graph_output() and _is_shared_mean(node.inputs[0])
    ]


def _is_shared_mean(value: ir.Value | None) -> bool:
    maker = None if value is None else value.producer()
    if value is None or maker is None or maker.op_type != "ReduceMean" or len(value.uses()) == 1:
        return False
    matrix = static_shape(maker.inputs[0]) or ()
    return len(matrix) == 2 and matrix[0] > 1
