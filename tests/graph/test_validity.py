"""Candidates that are no models are told from those that are, as ONNX Runtime would."""

from __future__ import annotations

import time

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from graphs import model, node, value
from hypothesis import given, settings
from onnx import TensorProto, helper
from reduction_hunt import run_on_ones

from dags import dags
from rkmend.graph import InvalidModel, freeze, load, shapes_of, validated

MAP = (1, 8, 9, 9)
WRONG = {
    "channels": (node("Conv", "x w", "y", "n"), [MAP, (4, 7, 3, 3)], "8 channels"),
    "groups": (node("Conv", "x w", "y", "n", group=4), [MAP, (6, 2, 3, 3)], "6 output channels"),
    "bias": (node("Conv", "x w b", "y", "n"), [MAP, (4, 8, 3, 3), (5,)], "input 2 has the shape 5"),
    "kernel": (
        node("Conv", "x w", "y", "n", kernel_shape=[5, 5]),
        [MAP, (4, 8, 3, 3)],
        "kernel_shape is 5x5",
    ),
    "small map": (node("Conv", "x w", "y", "n"), [(1, 8, 2, 2), (4, 8, 3, 3)], "does not fit"),
    "transposed": (node("ConvTranspose", "x w", "y", "n"), [MAP, (7, 4, 3, 3)], "8 channels, its weight 7"),
    "small pool": (node("MaxPool", "x", "y", "n", kernel_shape=[5, 5]), [(1, 8, 2, 2)], "negative size"),
    "pool pads": (
        node("MaxPool", "x", "y", "n", kernel_shape=[2, 2], pads=[2] * 4),
        [MAP],
        "beyond its kernel",
    ),
    "matmul": (node("MatMul", "x w", "y", "n"), [(2, 3), (4, 5)], "incompatible dimensions"),
    "strided window": (
        node("Conv", "x w", "y", "n", strides=[2, 2]),
        [(1, 1, 1, 1), (1, 1, 2, 2)],
        "does not fit",
    ),
    "strided pool": (
        node("MaxPool", "x", "y", "n", kernel_shape=[2, 2], strides=[2, 2]),
        [(1, 1, 1, 1)],
        "does not fit",
    ),
    "gemm": (node("Gemm", "x w", "y", "n"), [(2, 3), (4, 5)], "mismatch"),
    "gemm bias": (node("Gemm", "x w b", "y", "n"), [(2, 3), (3, 5), (4,)], "4 cannot be repeated to 2x5"),
    "slopes": (node("PRelu", "x w", "y", "n"), [MAP, (7, 1, 1)], "7x1x1 cannot be repeated"),
    "instances": (node("InstanceNormalization", "x s b", "y", "n"), [MAP, (7,), (7,)], "should have 8"),
    "layers": (node("LayerNormalization", "x s", "y", "n"), [(1, 8, 3), (7,)], "cannot be repeated"),
    "lstm": (node("LSTM", "x w r", "y", "n", hidden_size=4), [(5, 1, 3), (1, 16, 2), (1, 16, 4)], "1x16x3"),
    "gru": (node("GRU", "x w r", "y", "n", hidden_size=4), [(5, 1, 3), (1, 12, 3), (1, 12, 5)], "1x12x4"),
    "blocks": (node("DepthToSpace", "x", "y", "n", blocksize=2), [(1, 6, 3, 3)], "blocks of 2"),
    "add": (node("Add", "x w", "y", "n"), [(2, 3), (2, 4)], "incompatible dimensions"),
    "global pool": (node("GlobalAveragePool", "x", "y", "n"), [(2, 3)], "rank 2"),
}


def prepared(proto: onnx.ModelProto) -> ir.Model:
    return validated(ir.from_proto(proto))


def alone(made: onnx.NodeProto, shapes: list[tuple[int, ...]]) -> onnx.ModelProto:
    fed = [value(name, shape) for name, shape in zip(made.input, shapes, strict=True)]
    output = onnx.helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    return model([made], fed, [output])


@pytest.mark.parametrize("case", WRONG)
def test_wrong_use_of_an_operator(case):
    made, shapes, reason = WRONG[case]
    proto = alone(made, shapes)
    with pytest.raises(InvalidModel, match=rf"^node 'n' \({made.op_type}\): .*{reason}"):
        prepared(proto)
    if case not in (
        "small pool",
        "strided pool",
    ):  # ONNX Runtime gives a map of no elements there, and no error
        with pytest.raises(Exception, match=r"(?i)onnxruntime"):
            run_on_ones(proto)


@settings(max_examples=40, deadline=None)
@given(dags())
def test_what_onnx_runtime_runs_is_valid(proto):
    run_on_ones(proto)
    prepared(proto)


def test_shapes_follow_from_the_inputs():
    """As after a change of an input: what was known of the values behind it is stale."""
    nodes = [node("Conv", "x w", "a", "conv"), node("Relu", "a", "y", "relu")]
    weights = {"w": np.ones((4, 8, 3, 3), np.float32), "dead": np.ones(3, np.float32)}
    whole = prepared(
        model(nodes, [value("x", MAP), value("unused", (1,))], [value("y", (1, 4, 7, 7))], weights)
    )
    whole.graph.inputs[0].shape = ir.Shape((1, 8, 5, 6))
    result = validated(whole)
    assert shapes_of(result)["a"] == shapes_of(result)["y"] == ("float32", (1, 4, 3, 4))
    assert [item.name for item in result.graph.inputs] == ["x"]
    assert list(result.graph.initializers) == ["w"]
    assert result.graph.initializers["w"].const_value is whole.graph.initializers["w"].const_value


def test_large_weights_are_not_serialised(tmp_path):
    weights = {"w": np.ones((2048, 2048), np.float32)}
    nodes = [node("MatMul", "x w", "y", "mm")]
    proto = model(nodes, [value("x", (1, 2048))], [value("y", (1, 2048))], weights)
    whole = ir.from_proto(proto)
    assert shapes_of(validated(whole))["y"] == ("float32", (1, 2048))
    start = time.perf_counter()
    validated(whole)
    assert time.perf_counter() - start < 0.02  # its 16 MB alone would take longer to copy, parse and check


@pytest.mark.parametrize(
    ("fed", "reason"),
    [((None, 3), "'x' is no tensor of static shape: float32"), ((0, 3), "holds no elements")],
)
def test_inputs_that_cannot_be(fed, reason):
    with pytest.raises(InvalidModel, match=reason):
        prepared(model([node("Relu", "x", "y", "n")], [value("x", fed)], [value("y", fed)]))


def test_a_model_needs_nodes_and_outputs():
    with pytest.raises(InvalidModel, match="no nodes"):
        prepared(model([], [value("x", (1,))], [value("x", (1,))]))
    with pytest.raises(InvalidModel, match="no outputs"):
        prepared(model([node("Relu", "x", "y", "n")], [value("x", (1,))], []))


def test_an_output_whose_shape_does_not_follow_is_no_error():
    prepared(
        model(
            [node("NonZero", "x", "y", "n")], [value("x", (2, 3))], [value("y", (2, None), TensorProto.INT64)]
        )
    )


def test_an_unknown_attribute_is_found_by_the_checker():
    with pytest.raises(InvalidModel, match=r"node 'n' \(Relu\): .*colour"):
        prepared(model([node("Relu", "x", "y", "n", colour=1)], [value("x", (1,))], [value("y", (1,))]))


def test_operators_that_only_onnx_runtime_knows():
    nodes = [helper.make_node("Gelu", ["x"], ["a"], "gelu", domain="com.microsoft"), node("Relu", "a", "b", "relu"),
             node("ImageScaler", "b", "y", "scaler", bias=[0.0, 0.0])]  # fmt: skip
    shape = (1, 2, 3, 3)
    proto = model(
        nodes, [value("x", shape)], [value("y", shape)], opsets=[helper.make_opsetid("com.microsoft", 1)]
    )
    assert shapes_of(prepared(proto))["y"] == ("float32", shape)


def test_real_networks_are_valid(models):
    for name in ("dtln__dtln_1", "keijiro__bodypix_mbv1_050_s16_240x320"):
        validated(load(models / f"{name}.onnx").ir)
    dropped_operators = load(models / "winml__fns_candy.onnx")
    validated(freeze(dropped_operators, {"inputImage": (1, 3, 720, 720)}).ir)


def test_the_inner_sizes_of_an_older_gemm():
    """Up to opset 11 the inference of the onnx package does not look at them."""
    shapes = [value("x", (2, 3)), value("w", (5, 4))]
    output = onnx.helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    made = model([node("Gemm", "x w", "y", "n", transB=1)], shapes, [output], opset=11)
    with pytest.raises(InvalidModel, match="inner sizes are 3 and 4"):
        prepared(made)
