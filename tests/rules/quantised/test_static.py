"""Constant scales: integer operators, sums between DequantizeLinear and QuantizeLinear, zero points left out."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from graphs import model, node, value
from onnx import TensorProto

from quantiser import INT8, OPERATORS, PAIRS, UINT8, static
from rkmend.rules import get_rule
from rule_bench import RK3588, check_rewrite, check_trial, findings, loaded

RNG = np.random.default_rng(0)


def network(nodes: list[onnx.NodeProto], shape: list[int], seed: int = 1) -> onnx.ModelProto:
    """Two Convs that give `a` and `b`, 8 x 16 x 16, and what comes after them."""
    rng = np.random.default_rng(seed)

    def weights(*shape: int) -> np.ndarray:
        return rng.standard_normal(shape, np.float32) * np.float32(0.2)

    tensors = {"w": weights(8, 3, 3, 3), "c": weights(8), "v": weights(8, 3, 3, 3)}
    tensors |= {"u": weights(4, 16, 1, 1), "g": weights(10, 256), "d": weights(10), "h": weights(10, 10)}
    convs = [
        node("Conv", "x w c", "a", "first", pads=[1, 1, 1, 1], kernel_shape=[3, 3]),
        node("Conv", "x v", "b", "second", pads=[1, 1, 1, 1], kernel_shape=[3, 3]),
    ]
    return model([*convs, *nodes], [value("x", [1, 3, 16, 16])], [value("y", shape)], tensors, opset=13)


HALF = {"kernel_shape": [2, 2], "strides": [2, 2]}
PRODUCTS = network(
    [
        node("Mul", "a b", "m", "mul"),
        node("Concat", "m a", "ma", "cat", axis=1),
        node("Conv", "ma u", "n", "mix", kernel_shape=[1, 1]),
        node("MaxPool", "n", "p", "max", **HALF),
        node("LeakyRelu", "p", "l", "leaky", alpha=0.1),
        node("Sigmoid", "l", "s", "sigmoid"),
        node("Flatten", "s", "f", "flat"),
        node("Gemm", "f g d", "t", "gemm", transB=1),
        node("MatMul", "t h", "k", "matmul"),
        node("Softmax", "k", "y", "softmax", axis=1),
    ],
    [1, 10],
)
SUMS = {
    "add": network([node("Add", "a b", "y", "add")], [1, 8, 16, 16]),
    "mean": network([node("GlobalAveragePool", "a", "y", "mean")], [1, 8, 1, 1]),
    "average": network([node("AveragePool", "a", "y", "average", **HALF)], [1, 8, 8, 8]),
}


@pytest.mark.parametrize("per_channel", [False, True])
def test_integer_operators(per_channel, tmp_path):
    activations = UINT8 if per_channel else INT8
    quantised = static(PRODUCTS, tmp_path, OPERATORS, per_channel=per_channel, activations=activations)
    after = check_rewrite("RKM303", quantised, tmp_path)
    assert not [one for one in after.graph if one.op_type.startswith("Q") and one.op_type != "QuantizeLinear"]


def test_integer_sums(tmp_path):
    nodes = [
        node("Add", "a b", "s", "add"),
        node("AveragePool", "s", "p", "average", **HALF),
        node("GlobalAveragePool", "p", "y", "mean"),
    ]
    after = check_rewrite("RKM303", static(network(nodes, [1, 8, 1, 1]), tmp_path, OPERATORS), tmp_path)
    assert not list(get_rule("RKM305").find(after, RK3588))


@pytest.mark.toolkit
@pytest.mark.parametrize("proto", [PRODUCTS, SUMS["add"]], ids=["products", "add"])
def test_integer_operators_convert(proto, bench, tmp_path):
    check_trial(bench, "RKM303", static(proto, tmp_path, OPERATORS), tmp_path)


@pytest.mark.toolkit
def test_the_other_form_converts_as_it_is(bench, tmp_path):
    quantised = static(PRODUCTS, tmp_path, PAIRS)
    assert not findings("RKM303", quantised, tmp_path) and not findings("RKM305", quantised, tmp_path)
    assert bench.verdict(loaded(quantised, tmp_path), quantised).converted


def test_weights_by_column(tmp_path):
    """A scale for each column of the second operand of QLinearMatMul."""
    tensors = {
        "w": RNG.integers(-128, 127, (64, 48)).astype(np.int8),
        "ws": RNG.random(48, np.float32) * np.float32(0.01),
        "wz": np.zeros(48, np.int8),
        "s": np.array(0.02, np.float32),
        "t": np.array(0.05, np.float32),
        "z": np.array(128, np.uint8),
    }
    nodes = [
        node("QuantizeLinear", "x s z", "q", "quantise"),
        node("QLinearMatMul", "q s z w ws wz t z", "p", "product"),
        node("DequantizeLinear", "p t z", "y", "dequantise"),
    ]
    proto = model(nodes, [value("x", [16, 64])], [value("y", [16, 48])], tensors, opset=13)
    check_rewrite("RKM303", proto, tmp_path)


@pytest.mark.parametrize("name", SUMS)
def test_sums(name, tmp_path):
    check_rewrite("RKM305", static(SUMS[name], tmp_path, PAIRS), tmp_path)


@pytest.mark.toolkit
@pytest.mark.parametrize("name", ["add", "mean"])
def test_sums_come_out_right(name, bench, tmp_path):
    check_trial(bench, "RKM305", static(SUMS[name], tmp_path, PAIRS), tmp_path)


def test_floats_are_not_clipped(tmp_path):
    assert not findings("RKM305", SUMS["add"], tmp_path)


def no_zero_point(*, given: bool = False) -> onnx.ModelProto:
    tensors = {
        "w": RNG.integers(-128, 127, (8, 3, 3, 3)).astype(np.int8),
        "s": np.array(0.01, np.float32),
        "z": np.array(0, np.int8),
    }
    nodes = [
        node("DequantizeLinear", "w s z" if given else "w s", "d", "dequantise"),
        node("Conv", "x d", "y", "conv"),
    ]
    return model(nodes, [value("x", [1, 3, 16, 16])], [value("y", [1, 8, 14, 14])], tensors, opset=13)


def test_zero_point(tmp_path):
    check_rewrite("RKM304", no_zero_point(), tmp_path)
    assert not findings("RKM304", no_zero_point(given=True), tmp_path)


def test_zero_point_of_a_result(tmp_path):
    nodes = [node("QuantizeLinear", "x s", "q", "quantise"), node("DequantizeLinear", "q s z", "y", "back")]
    tensors = {"s": np.array(0.01, np.float32), "z": np.array(0, np.uint8)}
    proto = model(nodes, [value("x", [2, 3])], [value("y", [2, 3])], tensors, opset=13)
    proto.graph.value_info.append(value("q", [2, 3], TensorProto.UINT8))
    check_rewrite("RKM304", proto, tmp_path)


@pytest.mark.toolkit
def test_zero_point_is_demanded(bench, tmp_path):
    check_trial(bench, "RKM304", no_zero_point(), tmp_path)
