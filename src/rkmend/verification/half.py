"""What fp16 rounding alone does to a model: it is run with every tensor rounded as an fp16 NPU rounds it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import onnx_ir as ir

JITTER = 2.0**-12
"""Half a unit in the last place of fp16, relative to the smallest mantissa: a value is moved by up to this before it is
rounded, so that one which fp16 holds exactly stays and any other goes up or down by chance."""
SEEDS = 1 << 16
"""Tensors that have a seed of their own; a float holds a few hundred times as many."""
PARAMETERS = {"Resize": 1, "Upsample": 1, "QuantizeLinear": 1, "DequantizeLinear": 1, "Range": 0}
"""From which input on an operator is told how to compute: these numbers do not go through the NPU's tensors."""


def in_half(model: ir.Model, *, jitter: float = 0.0, seed: int = 0) -> ir.Model:
    """A copy whose float tensors are rounded to fp16 after each operator, and its weights; sums stay in float32.

    What is beyond the largest number of fp16 becomes infinite, as there.

    Args:
        model: With inferred shapes. Interface and names of inputs and outputs stay.
        jitter: See `JITTER`; 0 rounds to the nearest.
        seed: Of the chance; the same seed rounds the same way.
    """
    import onnx_ir as ir

    floats = (ir.DataType.FLOAT, ir.DataType.FLOAT16, ir.DataType.DOUBLE)
    copy = model.clone()
    for value in list(copy.graph.initializers.values()):
        if value.dtype in floats and value.const_value is not None and not _is_parameter(value):
            value.const_value = ir.tensor(_halved(value.const_value.numpy()), name=value.name)
    number = 0
    nodes = list(copy.graph.all_nodes())
    for graph in copy.graphs():
        first = next(iter(graph), None)
        inputs = [value for value in graph.inputs if value.name not in graph.initializers]
        places: list[tuple[ir.Value, ir.Node | None]]
        places = [(value, None) for value in inputs if graph is copy.graph]
        places += [(value, node) for node in nodes if node.graph is graph for value in node.outputs]
        for value, node in places:
            computed = (
                value.name and value.const_value is None and (node is None or node.op_type != "Constant")
            )
            if value.dtype in floats and computed and not _is_parameter(value):
                number += 1
                rounded = _rounded(value, number, jitter, seed)
                if node is None:
                    assert first is not None
                    graph.insert_before(first, rounded)
                else:
                    graph.insert_after(node, rounded)
    return copy


def _is_parameter(value: ir.Value) -> bool:
    return any(use.idx >= PARAMETERS.get(use.node.op_type, use.idx + 1) for use in value.uses())


def _halved(array: np.ndarray[Any, np.dtype[Any]]) -> np.ndarray[Any, np.dtype[Any]]:
    with np.errstate(over="ignore"):
        return array.astype(np.float16).astype(array.dtype)


def _rounded(value: ir.Value, number: int, jitter: float, seed: int) -> list[ir.Node]:
    """Nodes that round a value, put between it and all that read it; a graph output keeps its name."""
    import onnx_ir as ir

    assert value.dtype is not None
    uses, output = list(value.uses()), value.is_graph_output()
    nodes = [ir.node("Cast", [value], {"to": ir.DataType.FLOAT})]
    if jitter:
        about_one = {"dtype": int(ir.DataType.FLOAT), "low": 1 - jitter, "high": 1 + jitter}
        about_one["seed"] = float(SEEDS * seed + number)
        nodes.append(ir.node("RandomUniformLike", [value], about_one))
        nodes.append(ir.node("Mul", [nodes[0].outputs[0], nodes[1].outputs[0]]))
    nodes.append(ir.node("Cast", [nodes[-1].outputs[0]], {"to": ir.DataType.FLOAT16}))
    nodes.append(ir.node("Cast", [nodes[-1].outputs[0]], {"to": value.dtype}))
    for step, node in enumerate(nodes):
        node.name = node.outputs[0].name = f"{value.name}/half{number}.{step}"
    rounded = nodes[-1].outputs[0]
    rounded.type, rounded.shape = value.type, value.shape
    for use in uses:
        use.node.replace_input_with(use.idx, rounded)
    if output and value.graph is not None:
        outputs = value.graph.outputs
        name, value.name = value.name, f"{value.name}/exact"
        rounded.name = name
        for index, one in enumerate(outputs):
            if one is value:
                outputs[index] = rounded
    return nodes
