"""RKM008: inputs that have to be constant."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir
import pytest
from graphs import model, node, value
from onnx import TensorProto as Tensor
from onnx import helper

from rkmend.rules import get_rule
from rkmend.rules.model.constant_inputs import constant_inputs
from rule_bench import findings, loaded

MAP = [1, 3, 8, 8]


def tiled():
    """The repeats of a Tile by way of a Cast and a Concat; another Tile by a constant."""
    nodes = [
        node("Cast", "n", "n64", "cast", to=Tensor.INT64),
        node("Concat", "one n64", "r", "join", axis=0),
        node("Tile", "x r", "t", "tile"),
        node("Tile", "t four", "y", "fixed"),
    ]
    weights = {"one": np.ones(3, np.int64), "four": np.array([1, 1, 1, 2])}
    inputs = [value("x", MAP), value("n", [1], Tensor.INT32)]
    return model(nodes, inputs, [value("y", None)], weights)


def test_the_input_behind_arithmetic_is_named(tmp_path):
    (finding,) = findings("RKM008", tiled(), tmp_path)
    assert finding.nodes == ("tile",) and finding.facts == {"operator": "Tile", "operand": 1, "inputs": "n"}
    assert "--constant n=VALUE" in finding.message


def test_sizes_computed_from_data_name_no_input(tmp_path):
    nodes = [
        node("ArgMax", "x", "k4", "arg", axis=3, keepdims=0),
        node("Slice", "k4 zero one axis", "k3", "cut"),
        node("Reshape", "k3 minus", "k", "flat"),
        node("TopK", "x k", "y i", "top"),
    ]
    weights = {name: np.array([n]) for name, n in (("zero", 0), ("one", 1), ("axis", 2), ("minus", -1))}
    proto = model(nodes, [value("x", [1, 1, 1, 8])], [value("y", None)], weights)
    (finding,) = findings("RKM008", proto, tmp_path)
    assert finding.nodes == ("top",) and finding.facts["inputs"] == ""
    assert "cut the model" in finding.message
    assert constant_inputs(ir.from_proto(proto)) == ()


def test_inputs_in_branches_are_found():
    body = helper.make_graph([node("Tile", "x n", "b", "tile")], "b", [], [value("b", None)])
    other = helper.make_graph([node("Identity", "x", "b2", "same")], "o", [], [value("b2", None)])
    made = node("If", "c", "y", "if", then_branch=body, else_branch=other)
    inputs = [value("n", [4], Tensor.INT64), value("x", MAP), value("c", [], Tensor.BOOL)]
    assert constant_inputs(ir.from_proto(model([made], inputs, [value("y", None)]))) == ("n", "c")


def test_static_shapes_need_no_constant(tmp_path):
    nodes = [node("Shape", "x", "s", "shape"), node("Expand", "k s", "y", "expand")]
    proto = model(nodes, [value("x", MAP), value("k", [1, 3, 1, 1])], [value("y", MAP)])
    assert not findings("RKM008", proto, tmp_path)
    assert not constant_inputs(ir.from_proto(proto))


@pytest.mark.toolkit
def test_trial(bench, tmp_path):
    nodes = [node("TopK", "x k", "y i", "top")]
    proto = model(nodes, [value("x", MAP), value("k", [1], Tensor.INT64)], [value("y", [1, 3, 8, 1])])
    verdict = bench.verdict(loaded(proto, tmp_path), proto)
    assert not verdict.converted and get_rule("RKM008").recognises(verdict), verdict.message
