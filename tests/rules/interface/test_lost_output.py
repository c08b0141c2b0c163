"""Outputs that the toolkit drops: constants, copies, inputs."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from graphs import model, node, value
from onnx import TensorProto

from rkmend.mend.apply import apply
from rkmend.mend.interface import changes, inputs_of, outputs_of
from rkmend.rules import get_rule
from rkmend.rules.interface.left_out import left_out
from rule_bench import RK3588, check_rewrite, check_trial, findings, loaded, only_finding

MAP = [1, 4, 8, 8]
RELU = node("Relu", "x", "y", "relu")


def with_output(nodes, shape, dtype=TensorProto.FLOAT, weights=None, opset=17) -> onnx.ModelProto:
    return model(
        [RELU, *nodes], [value("x", MAP)], [value("y", MAP), value("z", shape, dtype)], weights, opset=opset
    )


def identity() -> onnx.ModelProto:
    return with_output([node("Identity", "y", "z", "copy")], MAP)


def of_three_axes() -> onnx.ModelProto:
    nodes = [node("Reshape", "y shape", "m", "flat"), node("Identity", "m", "z", "copy")]
    proto = with_output(nodes, [4, 8, 8], weights={"shape": np.array([4, 8, 8])})
    proto.graph.output.append(value("m", [4, 8, 8]))
    return proto


def constant() -> onnx.ModelProto:
    return with_output([], [3], weights={"z": np.array([1, -2, 3], np.float32)})


def shape() -> onnx.ModelProto:
    return with_output([node("Shape", "x", "z", "shape")], [4], TensorProto.INT64)


def scalar() -> onnx.ModelProto:
    return with_output([node("Identity", "c", "z", "c")], [], weights={"c": np.array(2.5, np.float32)})


def mask() -> onnx.ModelProto:
    weights = {"c": np.array([True, False])}
    return with_output([node("Identity", "c", "z", "c")], [2], TensorProto.BOOL, weights)


def everything_constant() -> onnx.ModelProto:
    return model([node("Shape", "x", "z")], [value("x", MAP)], [value("z", [4], TensorProto.INT64)])


def everything_constant_of_three_axes() -> onnx.ModelProto:
    return model(
        [node("Shape", "x", "z", start=1)], [value("x", [3, 4, 5])], [value("z", [2], TensorProto.INT64)]
    )


def an_input() -> onnx.ModelProto:
    return model([RELU], [value("x", MAP)], [value("y", MAP), value("x", MAP)])


CASES = [identity, of_three_axes, constant, shape, scalar, mask, everything_constant]
CASES += [everything_constant_of_three_axes, an_input]


@pytest.mark.parametrize("case", CASES)
def test_rewrite(case, tmp_path):
    check_rewrite("RKM052", case(), tmp_path)


@pytest.mark.toolkit
@pytest.mark.parametrize("case", CASES)
def test_trial(case, bench, tmp_path):
    verdict = check_trial(bench, "RKM052", case(), tmp_path)
    if case in (identity, of_three_axes):
        assert not verdict.cpu_ops


@pytest.mark.parametrize("opset", [7, 10])
def test_the_zero_is_taken_in_the_words_of_every_opset(opset, tmp_path):
    weights = {"c": np.array([[1.0, 2.0]], np.float32)}
    proto = with_output([node("Identity", "c", "z", "c")], [1, 2], weights=weights, opset=opset)
    check_rewrite("RKM052", proto, tmp_path)


def test_an_output_that_is_an_input_is_left_out_and_named(tmp_path):
    proto = an_input()
    before, after = loaded(proto, tmp_path), check_rewrite("RKM052", proto, tmp_path)
    (change,) = changes(inputs_of(before), outputs_of(before), after)
    assert (change.kind, change.given.name, change.now) == ("output", "x", None)
    assert "input 'x' itself" in change.how
    assert left_out(after) == {"x": "x"}


@pytest.mark.parametrize(
    "nodes",
    [
        [node("Dropout", "y", "z", "d")],
        [node("Transpose", "y", "z", "t", perm=[0, 1, 2, 3])],
        [node("Cast", "y", "z", "c", to=TensorProto.FLOAT)],
        [node("Mul", "one y", "z", "m")],
        [node("Relu", "y", "z", "again")],
        [node("Identity", "y", "a", "a"), node("Reshape", "a shape", "z", "r")],
    ],
)
def test_what_only_passes_on_is_a_copy(nodes, tmp_path):
    weights = {"one": np.ones(1, np.float32), "shape": np.array(MAP)}
    before = loaded(with_output(nodes, MAP, weights=weights), tmp_path)
    after = apply(before, only_finding("RKM052", before)[1])
    assert "Max" in [one.op_type for one in after.graph]
    assert not list(get_rule("RKM052").find(after, RK3588))


@pytest.mark.parametrize(
    "nodes",
    [
        [node("Relu", "x", "z", "second")],
        [node("Max", "y y", "z", "max")],
        [node("Mul", "two y", "z", "twice")],
        [node("Transpose", "y", "z", "t", perm=[0, 1, 3, 2])],
        [node("Identity", "x", "z", "of_the_input")],
    ],
)
def test_what_computes_something_is_no_copy(nodes, tmp_path):
    weights = {"two": np.full(1, 2, np.float32)}
    assert not findings("RKM052", with_output(nodes, MAP, weights=weights), tmp_path)
