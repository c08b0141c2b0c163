"""Rounding: a model with nodes that round its float tensors, to see what a coarser arithmetic alone makes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import onnx_ir as ir

SEEDS = 1 << 16
"""Tensors that have a seed of their own; a float holds a few hundred times as many."""
PARAMETERS = {"Resize": 1, "Upsample": 1, "QuantizeLinear": 1, "DequantizeLinear": 1, "Range": 0}
"""From which input on an operator is told how to compute: these numbers do not go through the NPU's tensors."""

Weights = Callable[["ir.Value"], "np.ndarray[Any, np.dtype[Any]]"]
"""What becomes of a constant."""
Rounder = Callable[["ir.Value", int], Sequence["ir.Node"]]
"""The nodes that round a tensor, of which the first reads it and the last gives it rounded, in its dtype; none where it
stays as it is. The number is its own."""


def rounded(model: ir.Model, weights: Weights, rounder: Rounder) -> ir.Model:
    """A copy whose float constants and tensors are rounded; names of inputs and outputs stay.

    Args:
        model: With inferred shapes.
        weights: Rounds the initializers.
        rounder: Rounds inputs and what operators compute.
    """
    copy = model.clone()
    for value in list(copy.graph.initializers.values()):
        if _is_float(value) and value.const_value is not None and not _is_parameter(value):
            import onnx_ir as ir

            value.const_value = ir.tensor(weights(value), name=value.name)
    for number, (value, node) in enumerate(list(_computed(copy)), 1):
        if nodes := rounder(value, number):
            _put_behind(value, node, nodes, number)
    return copy


def chance(value: ir.Value, number: int, seed: int, low: float, high: float) -> ir.Node:
    """A number by chance for each element of a float32 tensor; the same seed gives the same ones."""
    import onnx_ir as ir

    attributes = {
        "dtype": int(ir.DataType.FLOAT),
        "low": low,
        "high": high,
        "seed": float(SEEDS * seed + number),
    }
    return ir.node("RandomUniformLike", [value], attributes)


def _computed(model: ir.Model) -> Iterator[tuple[ir.Value, ir.Node | None]]:
    """Every float tensor that is not constant, and what computes it; inputs first in each graph."""
    for graph in list(model.graphs()):
        inputs = [value for value in graph.inputs if value.name not in graph.initializers]
        places: list[tuple[ir.Value, ir.Node | None]]
        places = [(value, None) for value in inputs if graph is model.graph]
        places += [(value, node) for node in graph if node.op_type != "Constant" for value in node.outputs]
        for value, node in places:
            if value.name and _is_float(value) and value.const_value is None and not _is_parameter(value):
                yield value, node


def _is_float(value: ir.Value) -> bool:
    return value.dtype is not None and value.dtype.name in ("FLOAT", "FLOAT16", "DOUBLE")


def _is_parameter(value: ir.Value) -> bool:
    return any(use.idx >= PARAMETERS.get(use.node.op_type, use.idx + 1) for use in value.uses())


def _put_behind(value: ir.Value, node: ir.Node | None, nodes: Sequence[ir.Node], number: int) -> None:
    """Puts nodes between a value and all that read it; a graph output keeps its name."""
    uses = [use for use in value.uses() if use.node not in nodes]
    graph = value.graph
    assert graph is not None
    if node is None:
        graph.insert_before(next(iter(graph)), list(nodes))
    else:
        graph.insert_after(node, list(nodes))
    for step, one in enumerate(nodes):
        one.name = one.outputs[0].name = f"{value.name}/rounded{number}.{step}"
    last = nodes[-1].outputs[0]
    last.type, last.shape = value.type, value.shape
    for use in uses:
        use.node.replace_input_with(use.idx, last)
    if value.is_graph_output():
        last.name, value.name = value.name, f"{value.name}/exact"
        for index, output in enumerate(graph.outputs):
            if output is value:
                graph.outputs[index] = last
