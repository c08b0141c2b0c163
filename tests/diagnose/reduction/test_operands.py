"""Operands: what an operator and a model can do without."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir
from graphs import model, node, value

from rkmend.diagnose.reduction.constants import constants
from rkmend.diagnose.reduction.groups import dense
from rkmend.diagnose.reduction.operands import operands
from rkmend.graph import validated


def exhausted(made: ir.Model) -> ir.Model:
    """The model after every operand that can be left out was left out."""
    while step := next(iter(operands(made)), None):
        made = validated(step.apply(made))
    return made


def test_bounds_indices_parts_and_outputs_that_others_read_are_left_out():
    weights = {"low": np.float32(0), "high": np.float32(1)}
    nodes = [
        node("MaxPool", "x", "p i", "p", kernel_shape=[2]),
        node("Clip", "p low high", "c", "c"),
        node("Sum", "c c c", "y", "s"),
    ]
    proto = model(nodes, [value("x", [1, 2, 5])], [value("y", None), value("c", None)], weights)
    made = exhausted(validated(ir.from_proto(proto)))
    assert [(len(one.inputs), len(one.outputs)) for one in made.graph] == [(1, 1), (1, 1), (1, 1)]
    assert [one.name for one in made.graph.outputs] == ["y"] and not made.graph.initializers


def test_an_input_between_others_leaves_a_gap():
    weights = {"low": np.float32(0), "high": np.float32(1)}
    proto = model([node("Clip", "x low high", "y", "c")], [value("x", [3])], [value("y", None)], weights)
    made = validated(ir.from_proto(proto))
    after = validated(next(step for step in operands(made) if step.element == "input 1 of 'c'").apply(made))
    assert [one and one.name for one in after.graph[0].inputs] == ["x", None, "high"]


def test_the_one_output_of_a_model_stays():
    proto = model([node("Relu", "x", "y", "r")], [value("x", [3])], [value("y", None)])
    assert not list(operands(validated(ir.from_proto(proto))))


def test_constant_nodes_become_initializers():
    nodes = [node("Constant", "", "k", "k", value_floats=[1.0, 2.0]), node("Add", "x k", "y", "a")]
    made = validated(ir.from_proto(model(nodes, [value("x", [2])], [value("y", None)])))
    (change,) = constants(made)
    after = validated(change.apply(made))
    assert [one.op_type for one in after.graph] == ["Add"]
    assert after.graph.initializers["k"].const_value.numpy().tolist() == [1.0, 2.0]


def test_a_grouped_conv_becomes_dense_with_as_many_weights():
    weights = {"w": np.arange(24, dtype=np.float32).reshape(8, 3, 1, 1), "b": np.ones(8, np.float32)}
    proto = model(
        [node("Conv", "x w b", "y", "c", group=4)], [value("x", [1, 12, 5, 6])], [value("y", None)], weights
    )
    made = validated(ir.from_proto(proto))
    (change,) = dense(made)
    after = validated(change.apply(made))
    assert after.graph.initializers["w"].shape.numpy() == (2, 12, 1, 1) and not list(dense(after))
    assert after.graph.outputs[0].shape.numpy() == (1, 2, 5, 6)
