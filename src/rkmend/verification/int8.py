"""What int8 rounding alone does to a model: it is run with every tensor on the 256 steps that a w8a8 build gives it.

As own trials found it (2.3.2, rk3588, algorithm `normal`, method `channel`): a tensor's range reaches from the smallest
to the largest number of all calibration samples and contains 0; so does that of each output channel of a weight; a bias
and a sum are not rounded; what one layer computes is rounded once. Most single layers come out bit for bit like that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rkmend.graph import infer, save
from rkmend.verification.fused import fused
from rkmend.verification.rounding import chance, rounded
from rkmend.verification.runner import run_model
from rkmend.verification.samples import Sample

if TYPE_CHECKING:
    import onnx_ir as ir

    Array = np.ndarray[Any, np.dtype[Any]]

STEPS = 255
"""Between the two ends of a range."""
WEIGHTED = {"Conv": 0, "ConvTranspose": 1, "Gemm": 1, "MatMul": -1}
"""Operators whose second input has a scale for each output channel, and the axis of these."""
HALF = frozenset({"GRU", "Softmax"})
"""Operators that give fp16; what another one reads of them is rounded all the same."""

Range = tuple[float, float]


def ranges(model: ir.Model, samples: Sequence[Sample], folder: Path) -> dict[str, Range]:
    """Between which numbers each float tensor of a model is on samples, by name; those in branches are left out.

    Raises:
        InputError: ONNX Runtime cannot run the model.
    """
    import onnx_ir as ir

    copy = model.clone()
    graph = copy.graph
    values = [value for value in graph.inputs if value.name not in graph.initializers]
    values += [value for node in graph for value in node.outputs]
    floats = [value for value in values if value.name and _is_ranged(value)]
    graph.outputs.clear()
    for value in floats:
        wide = ir.node("Cast", [value], {"to": ir.DataType.FLOAT})
        ends = [ir.node(f"Reduce{end}", wide.outputs, {"keepdims": 0}) for end in ("Min", "Max")]
        for node in (wide, *ends):
            node.name = node.outputs[0].name = f"{value.name}/range/{node.op_type}"
            graph.append(node)
        graph.outputs.extend(end.outputs[0] for end in ends)
    names = [str(value.name) for value in floats]
    infer(copy)
    folder.mkdir(parents=True, exist_ok=True)
    save(copy, folder / "ranges.onnx")
    runs = run_model(folder / "ranges.onnx", samples, folder).outputs
    found = np.array([_scalars(run, 2 * len(names)) for run in runs])
    low, high = found[:, ::2].min(axis=0, initial=0.0), found[:, 1::2].max(axis=0, initial=0.0)
    return dict(zip(names, zip(low.tolist(), high.tolist(), strict=True), strict=True))


def _scalars(run: Path, number: int) -> list[float]:
    """Thousands of outputs: the archive is opened once."""
    with np.load(run, allow_pickle=False) as arrays:
        return [float(arrays[f"output{place}"]) for place in range(number)]


def _is_ranged(value: ir.Value) -> bool:
    """Whether a tensor is of floats and has any."""
    empty = value.shape is not None and 0 in value.shape
    return value.dtype is not None and value.dtype.is_floating_point() and not empty


def in_int8(model: ir.Model, seed: int = 0, *, measured: Mapping[str, Range]) -> ir.Model:
    """A copy whose float tensors are rounded to int8, and its weights.

    Args:
        model: With inferred shapes. Interface and names of inputs and outputs stay.
        seed: Of the chance that decides which way a number is rounded; 0 rounds to the nearest.
        measured: The ranges of its tensors; those without stay as they are.
    """
    within = {value.name for value in fused(model)}
    outside = {name: ends for name, ends in measured.items() if name not in within}
    return rounded(model, _weights, partial(rounding_nodes, seed=seed, measured=outside))


def rounding_nodes(
    value: ir.Value, number: int, *, seed: int, measured: Mapping[str, Range]
) -> Sequence[ir.Node]:
    """The nodes that put a tensor on its steps."""
    import onnx_ir as ir

    low, high = measured.get(str(value.name), (0.0, 0.0))
    scale = (high - low) / STEPS
    if not np.isfinite(scale) or scale <= 0 or _is_half(value):
        return ()
    nodes = [ir.node("Cast", [value], {"to": ir.DataType.FLOAT})]

    def then(op_type: str, other: float | ir.Value) -> None:
        before = nodes[-1].outputs[0]
        if not isinstance(other, ir.Value):
            nodes.append(ir.node("Constant", [], {"value": ir.tensor(np.float32(other))}))
            other = nodes[-1].outputs[0]
        nodes.append(ir.node(op_type, [before, other]))

    zero = round(-low / scale)
    then("Div", scale)
    if seed:
        scaled = nodes[-1].outputs[0]
        nodes.append(chance(scaled, number, seed, 0.0, 1.0))
        nodes.append(ir.node("Add", [scaled, nodes[-1].outputs[0]]))
    else:
        then("Add", 0.5)
    nodes.append(ir.node("Floor", [nodes[-1].outputs[0]]))
    then("Max", -zero)
    then("Min", STEPS - zero)
    then("Mul", scale)
    assert value.dtype is not None
    return [*nodes, ir.node("Cast", [nodes[-1].outputs[0]], {"to": value.dtype})]


def _is_half(value: ir.Value) -> bool:
    """Whether a tensor is in fp16 for all that read it."""
    maker = value.producer()
    readers = {use.node.op_type for use in value.uses()}
    return maker is not None and maker.op_type in HALF and readers <= HALF


def _weights(value: ir.Value) -> Array:
    """A constant of a layer by output channels; any other as it is."""
    assert value.const_value is not None
    array = value.const_value.numpy()
    axes = {axis for use in value.uses() if (axis := _channels(use.node, use.idx, array.ndim)) is not None}
    if len(axes) != 1 or array.ndim < 2:
        return array
    others = tuple(set(range(array.ndim)) - {axes.pop() % array.ndim})
    low, high = (end(array, axis=others, keepdims=True, initial=0) for end in (np.min, np.max))
    scale = (high.astype(np.float64) - low) / STEPS
    scale[scale == 0] = 1
    zero = np.round(-low / scale)
    steps = np.clip(np.round(array / scale) + zero, 0, STEPS) - zero
    return np.asarray((steps * scale).astype(array.dtype))


def _channels(node: ir.Node, place: int, rank: int) -> int | None:
    """The axis of a constant along which a layer has its scales."""
    if place != 1 or node.op_type not in WEIGHTED:
        return None
    turned = node.op_type == "Gemm" and node.attributes.get_int("transB", 0) != 0
    return 0 if turned else WEIGHTED[node.op_type]
