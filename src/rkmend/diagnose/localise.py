"""Which operators a failed Trial comes from: by the log where it names them, else by reduction."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from rkmend.diagnose.oracle import BudgetSpent, Oracle
from rkmend.diagnose.reduction.baseline import Baseline
from rkmend.diagnose.reduction.change import Change
from rkmend.diagnose.reduction.nodes import reduce_nodes
from rkmend.diagnose.reduction.reducer import Reducer
from rkmend.graph import extract, node_names
from rkmend.toolkit.log import LogReport

if TYPE_CHECKING:
    import onnx_ir as ir


def named_by_log(model: ir.Model, report: LogReport) -> tuple[str, ...]:
    """The nodes of the model that the log blames.

    The toolkit renames what it rewrites by appending to the name (`/conv_pads_conv_group_0`,
    `Conv_0_stride_split`), so the longest node name that the blamed name starts with is meant.
    """
    names = [node.name for node in model.graph if node.name]
    blamed = [failure.node for failure in report.config_failures if failure.fatal]
    if not blamed and report.exception:
        blamed = list(report.exception.nodes)
    found = [max((name for name in names if blame.startswith(name)), key=len, default="") for blame in blamed]
    return tuple(dict.fromkeys(name for name in found if name))


def by_reduction(model: ir.Model, baseline: Baseline, oracle: Oracle) -> tuple[str, ...]:
    """The fewest nodes that fail alike when they stand alone.

    Args:
        model: With inferred static shapes.
        baseline: Of the whole model.
        oracle: Judges its parts.

    Returns:
        Node names in graph order, more than are needed if the oracle's budget was spent on the way; all of them
        when no part fails alike, none when every part does: then it is the model as a whole that fails (its
        opset, say).
    """
    reducer = Reducer(model, baseline, oracle)
    with suppress(BudgetSpent):  # what is left is what is known
        reduce_nodes(reducer)
    kept = set(node_names(reducer.model))
    kinds = {node.op_type for node in model.graph if node.name in kept}
    innocent = [str(node.name) for node in model.graph if node.op_type not in kinds]
    whole = Reducer(model, baseline, oracle)
    if innocent and len(kept) == 1 and whole.first([_alone(innocent[-1])]):
        return ()
    return tuple(name for name in node_names(model) if name in kept)


def _alone(name: str) -> Change:
    def apply(model: ir.Model) -> ir.Model:
        return extract(model, [name])

    return Change(f"node '{name}'", "alone", apply)
