"""What int8 rounding alone does to a model: it is run with every tensor on the 256 steps that a w8a8 build gives it.

As own trials found it (2.3.2, rk3588, algorithm `normal`, method `channel`): a tensor's range reaches from the smallest
to the largest number of all calibration samples and contains 0; the constants of Conv, Gemm and MatMul have 255 steps
around 0 for each output channel; a bias and a sum are not rounded; what one layer computes is rounded once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rkmend.graph import infer, save
from rkmend.npz import read_npz
from rkmend.verification.rounding import chance, rounded
from rkmend.verification.runner import run_model
from rkmend.verification.samples import Sample

if TYPE_CHECKING:
    import onnx_ir as ir

    Array = np.ndarray[Any, np.dtype[Any]]

STEPS = 255
"""Between the two ends of a range."""
LAYERS = {"Conv": 0, "ConvTranspose": 1, "Gemm": 1, "MatMul": -1}
"""Operators whose constants have a scale for each output channel, and their axis; see also `transB`."""
ACTIVATIONS = frozenset(
    {"Clip", "Elu", "HardSigmoid", "HardSwish", "LeakyRelu", "PRelu", "Relu", "Sigmoid", "Softplus", "Tanh"}
)
"""What a layer computes along with a Conv, so that nothing is rounded between."""
ALONG = frozenset({"Add", "Sub", "Mul", "BatchNormalization"})
"""Likewise, where the other operand is constant or an Add is that of a shortcut."""
FLOATS = frozenset({"GRU", "Softmax"})
"""Operators that stay in fp16; what a layer reads of them is rounded all the same."""

Range = tuple[float, float]


def ranges(model: ir.Model, samples: Sequence[Sample], folder: Path) -> dict[str, Range]:
    """Between which numbers each float tensor of a model is on samples, by name; those in branches are left out.

    Raises:
        InputError: ONNX Runtime cannot run the model.
    """
    import onnx_ir as ir

    copy = model.clone()
    graph, names = copy.graph, []
    values = [value for value in graph.inputs if value.name not in graph.initializers]
    values += [value for node in graph for value in node.outputs]
    graph.outputs.clear()
    for value in values:
        if value.name and value.dtype is not None and value.dtype.is_floating_point() and 0 not in value.shape:
            wide = ir.node("Cast", [value], {"to": ir.DataType.FLOAT})
            ends = [ir.node(f"Reduce{end}", wide.outputs, {"keepdims": 0}) for end in ("Min", "Max")]
            for node in (wide, *ends):
                node.name = node.outputs[0].name = f"{value.name}/range/{node.op_type}"
                graph.append(node)
            graph.outputs.extend(end.outputs[0] for end in ends)
            names.append(value.name)
    infer(copy)
    folder.mkdir(parents=True, exist_ok=True)
    save(copy, folder / "ranges.onnx")
    runs = run_model(folder / "ranges.onnx", samples, folder).outputs
    ends = np.array([[float(read_npz(run, f"output{i}")) for i in range(2 * len(names))] for run in runs])
    low, high = ends[:, ::2].min(axis=0, initial=0.0), ends[:, 1::2].max(axis=0, initial=0.0)
    return dict(zip(names, zip(low.tolist(), high.tolist(), strict=True), strict=True))


def in_int8(model: ir.Model, seed: int = 0, *, measured: Mapping[str, Range]) -> ir.Model:
    """A copy whose float tensors are rounded to int8, and its weights.

    Args:
        model: With inferred shapes. Interface and names of inputs and outputs stay.
        seed: Of the chance that decides which way a number is rounded; 0 rounds to the nearest.
        measured: The ranges of its tensors; those without stay as they are.
    """
    return rounded(model, _weights, partial(_steps, seed=seed, measured=measured))


def _steps(value: ir.Value, number: int, *, seed: int, measured: Mapping[str, Range]) -> Sequence[ir.Node]:
    import onnx_ir as ir

    low, high = measured.get(str(value.name), (0.0, 0.0))
    scale = (high - low) / STEPS
    if not np.isfinite(scale) or scale <= 0 or _stays(value):
        return ()
    zero = round(-low / scale)
    nodes = [ir.node("Cast", [value], {"to": ir.DataType.FLOAT})]

    def then(op_type: str, operand: float | ir.Value) -> None:
        other = operand if isinstance(operand, ir.Value) else _constant(nodes, operand)
        nodes.append(ir.node(op_type, [nodes[-1 if other is operand else -2].outputs[0], other]))

    return nodes


def _stays(value: ir.Value) -> bool:
    """Whether a tensor is not rounded: one layer computes it and what follows, or it is in fp16 to the end."""
    uses, maker = list(value.uses()), value.producer()
    if maker is None or value.is_graph_output() or not uses:
        return maker is not None and maker.op_type in FLOATS
    readers = {use.node.op_type for use in uses}
    if maker.op_type in FLOATS:
        return readers <= FLOATS
    return readers <= ACTIVATIONS
