"""Which operators a failed Trial comes from: by the log where it names them, else by reduction."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from rkmend.diagnose.oracle import BudgetSpent, Oracle
from rkmend.diagnose.reduction.baseline import Baseline
from rkmend.diagnose.reduction.change import Change
from rkmend.diagnose.reduction.nodes import reduce_nodes
from rkmend.diagnose.reduction.reducer import Reducer
from rkmend.graph import extract, node_names
from rkmend.graph.model import shape_of
from rkmend.toolkit.log import LogReport

if TYPE_CHECKING:
    import onnx_ir as ir

FOREMOST = 8
"""Suspects that are tried one by one: each costs a trial, and a failing one of these half a minute."""


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


def beyond_registers(model: ir.Model, report: LogReport) -> tuple[str, ...]:
    """The nodes with an axis that is too long for a register which overflowed: the log says no more than its limit."""
    limit = min((task.limit for task in report.regtasks if task.limit), default=None)
    if limit is None:
        return ()
    return tuple(
        str(node.name)
        for node in model.graph
        if any(
            size > limit
            for value in (*node.inputs, *node.outputs)
            if value is not None
            for size in _sizes(value)
        )
    )


def by_reduction(
    model: ir.Model, baseline: Baseline, oracle: Oracle, suspects: Sequence[str] = ()
) -> tuple[str, ...]:
    """The fewest nodes that fail alike when they stand alone.

    Args:
        model: With inferred static shapes.
        baseline: Of the whole model.
        oracle: Judges its parts.
        suspects: Nodes that are tried first, the foremost of them one by one, then all together.

    Returns:
        Node names in graph order, more than are needed if the oracle's budget was spent on the way; all of them
        when no part fails alike, none when every part does: then it is the model as a whole that fails (its
        opset, say).
    """
    reducer = Reducer(model, baseline, oracle)
    with suppress(BudgetSpent):  # what is left is what is known
        if len(model.graph) > 1:
            reducer.first(_alone([name]) for name in suspects[:FOREMOST])
        if 1 < len(suspects) < len(reducer.model.graph):
            reducer.first([_alone(suspects)])
        reduce_nodes(reducer)
    kept = set(node_names(reducer.model))
    kinds = {node.op_type for node in model.graph if node.name in kept}
    innocent = [str(node.name) for node in model.graph if node.op_type not in kinds]
    whole = Reducer(model, baseline, oracle)
    if innocent and len(kept) == 1 and whole.first([_alone(innocent[-1:])]):
        return ()
    return tuple(name for name in node_names(model) if name in kept)


def _sizes(value: ir.Value) -> list[int]:
    return [size for size in shape_of(value) if isinstance(size, int)]


def _alone(names: Sequence[str]) -> Change:
    def apply(model: ir.Model) -> ir.Model:
        return extract(model, names)

    return Change(", ".join(f"node '{name}'" for name in names), "alone", apply)
