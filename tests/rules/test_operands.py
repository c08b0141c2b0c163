"""What operators are told at their inputs, in all the forms in which they are told it."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir
import pytest
from graphs import model, node, value
from onnx import TensorProto

from rkmend.graph import infer
from rkmend.rules.operands import number_of, only_maker, only_reader, reduced_axes, slice_bounds

SHAPE = [2, 3, 4]


def operator(op_type: str, *ints: list[int] | str, opset: int, **attributes) -> ir.Node:
    """An operator with constant integers at its further inputs; text stands for one that is computed."""
    weights = {f"c{place}": np.array(one, np.int64) for place, one in enumerate(ints) if one != "computed"}
    names = [f"c{place}" for place in range(len(ints))]
    made = node(op_type, " ".join(["x", *names]), "y", "node", **attributes)
    fed = [value(name, [1], TensorProto.INT64) for name in names if name not in weights]
    given = ir.from_proto(model([made], [value("x", SHAPE), *fed], [value("y", None)], weights, opset=opset))
    infer(given)
    return given.graph[0]


@pytest.mark.parametrize(
    ("reduction", "axes"),
    [
        (operator("ReduceMax", opset=13), [0, 1, 2]),
        (operator("ReduceMax", opset=13, axes=[-1, 0]), [0, 2]),
        (operator("ReduceMax", [-1, 0], opset=18), [0, 2]),
        (operator("ReduceMax", [], opset=18), [0, 1, 2]),
        (operator("ReduceMax", [], opset=18, noop_with_empty_axes=1), []),
        (operator("ReduceMax", opset=18, noop_with_empty_axes=1), []),
        (operator("ReduceMax", [1], opset=18, noop_with_empty_axes=1), [1]),
        (operator("ReduceMax", "computed", opset=18), None),
    ],
)
def test_reduced_axes(reduction, axes):
    assert reduced_axes(reduction) == axes


@pytest.mark.parametrize(
    ("slicing", "bounds"),
    [
        (operator("Slice", opset=9, starts=[0, 1], ends=[1, 3]), [(0, 0, 1, 1), (1, 1, 3, 1)]),
        (operator("Slice", opset=9, starts=[1], ends=[-1], axes=[2]), [(2, 1, -1, 1)]),
        (operator("Slice", [1], [-1], [-1], opset=13), [(2, 1, -1, 1)]),
        (operator("Slice", [0], [4], [2], [2], opset=13), [(2, 0, 4, 2)]),
        (operator("Slice", [0], "computed", opset=13), None),
    ],
)
def test_slice_bounds(slicing, bounds):
    assert slice_bounds(slicing) == bounds


def test_number_of():
    assert number_of(operator("ReduceMax", [3], opset=18).inputs[1]) == 3
    assert number_of(operator("ReduceMax", [1, 2], opset=18).inputs[1]) is None
    assert number_of(operator("ReduceMax", "computed", opset=18).inputs[1]) is None


def test_who_alone_makes_and_reads_a_value():
    nodes = [
        node("Relu", "x", "a", "first"),
        node("Abs", "a", "b", "second"),
        node("Add", "b b", "y", "twice"),
    ]
    first, second, twice = ir.from_proto(model(nodes, [value("x", SHAPE)], [value("y", SHAPE)])).graph
    assert only_maker(second.inputs[0]) is first and only_reader(first.outputs[0]) is second
    assert only_maker(twice.inputs[0]) is None and only_reader(second.outputs[0]) is None
    assert only_reader(twice.outputs[0]) is None
