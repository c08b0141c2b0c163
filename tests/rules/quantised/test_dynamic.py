"""Quantisation at run time."""

from __future__ import annotations

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from graphs import model, node, run, value
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from quantiser import INT8, UINT8, dynamic
from rkmend.mend.apply import apply
from rkmend.rules import get_rule
from rule_bench import RK3588, check_rewrite, check_trial, findings, loaded, only_finding

CODE = "RKM301"
MICROSOFT = [helper.make_opsetid("com.microsoft", 1)]
RNG = np.random.default_rng(0)


def weights(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape, np.float32) * np.float32(0.2)


def perceptron() -> onnx.ModelProto:
    nodes = [
        node("MatMul", "x w", "a", "first"),
        node("Add", "a b", "c", "add"),
        node("Relu", "c", "d", "relu"),
        node("MatMul", "d v", "y", "second"),
    ]
    tensors = {"w": weights(64, 48), "b": weights(48), "v": weights(48, 24)}
    return model(nodes, [value("x", [1, 16, 64])], [value("y", [1, 16, 24])], tensors, opset=13)


def convolutions() -> onnx.ModelProto:
    nodes = [
        node("Conv", "x w b", "a", "first", pads=[1, 1, 1, 1], kernel_shape=[3, 3]),
        node("Relu", "a", "d", "relu"),
        node("Conv", "d v", "y", "second", strides=[2, 2], kernel_shape=[1, 1]),
    ]
    tensors = {"w": weights(8, 3, 3, 3), "b": weights(8), "v": weights(4, 8, 1, 1)}
    return model(nodes, [value("x", [1, 3, 16, 16])], [value("y", [1, 4, 8, 8])], tensors, opset=13)


def two_activations() -> onnx.ModelProto:
    nodes = [
        node("MatMul", "x w", "q", "q"),
        node("MatMul", "x v", "k", "k"),
        node("Transpose", "k", "kt", "t", perm=[0, 2, 1]),
        node("MatMul", "q kt", "y", "scores"),
    ]
    tensors = {"w": weights(64, 48), "v": weights(64, 48)}
    return model(nodes, [value("x", [1, 16, 64])], [value("y", [1, 16, 16])], tensors, opset=13)


def lstm() -> onnx.ModelProto:
    nodes = [
        node("LSTM", "x w r b", "y h c", "lstm", hidden_size=16, direction="bidirectional"),
        node("Relu", "y", "z", "relu"),
    ]
    outputs = [value("z", [5, 2, 1, 16]), value("h", [2, 1, 16]), value("c", [2, 1, 16])]
    tensors = {"w": weights(2, 64, 12), "r": weights(2, 64, 16), "b": weights(2, 128)}
    return model(nodes, [value("x", [5, 1, 12])], outputs, tensors, opset=13)


CASES = [(perceptron, True), (convolutions, False), (two_activations, False), (lstm, False), (lstm, True)]


@pytest.mark.parametrize(("make", "per_channel"), CASES)
def test_what_the_quantiser_writes(make, per_channel, tmp_path):
    quantised = dynamic(make(), tmp_path, per_channel=per_channel, weights=UINT8 if per_channel else INT8)
    after = check_rewrite(CODE, quantised, tmp_path)
    left = {one.op_type for one in after.graph}
    assert not left & {"DynamicQuantizeLinear", "Cast", "MatMulInteger", "ConvInteger", "DynamicQuantizeLSTM"}


@pytest.mark.toolkit
@pytest.mark.parametrize("make", [convolutions, lstm])
def test_trial(make, bench, tmp_path):
    quantised = dynamic(make(), tmp_path, per_channel=True, weights=INT8)
    check_trial(bench, CODE, quantised, tmp_path)


def test_operators_of_onnx_runtime(tmp_path):
    tensors = {
        "w": RNG.integers(-128, 127, (64, 48)).astype(np.int8),
        "ws": RNG.random(48, np.float32) * np.float32(0.01),
        "wz": RNG.integers(-5, 5, 48).astype(np.int8),
        "b": weights(48),
    }
    nodes = [
        node("DynamicQuantizeLinear", "x", "q s z", "quantise"),
        node(
            "MatMulIntegerToFloat",
            "q w s ws z wz b",
            "m",
            "scaled",
            domain="com.microsoft",
        ),
        node("DynamicQuantizeMatMul", "x w ws wz", "n", "at_once", domain="com.microsoft"),
        node("DequantizeLinear", "q s z", "d", "back"),
        node("Add", "m n", "y", "add"),
    ]
    outputs = [value("y", [1, 16, 48]), value("d", [1, 16, 64])]
    proto = model(nodes, [value("x", [1, 16, 64])], outputs, tensors, opset=13, opsets=MICROSOFT)
    check_rewrite(CODE, proto, tmp_path)


def test_scale_from_a_graph(tmp_path):
    """Written out, as the definition of DynamicQuantizeLinear does."""
    nodes = [
        node("Abs", "x", "abs", "abs"),
        node("ReduceMax", "abs", "m", "max", keepdims=0),
        node("Div", "m n", "s", "div"),
        node("QuantizeLinear", "x s z", "q", "quantise"),
        node("MatMulInteger", "q w z", "i", "product"),
        node("Cast", "i", "f", "cast", to=TensorProto.FLOAT),
        node("Mul", "f s", "g", "by_activation"),
        node("Mul", "g ws", "y", "by_weight"),
    ]
    tensors = {
        "n": np.float32(127),
        "z": np.int8(0),
        "w": RNG.integers(-128, 127, (64, 48)).astype(np.int8),
        "ws": np.float32(0.01),
    }
    tensors = {name: np.asarray(array) for name, array in tensors.items()}
    proto = model(nodes, [value("x", [1, 16, 64])], [value("y", [1, 16, 48])], tensors, opset=13)
    after = check_rewrite(CODE, proto, tmp_path)
    assert [one.op_type for one in after.graph] == ["MatMul", "Mul"]


@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_grids(data, tmp_path_factory):
    """Every form of scale and zero point; on whole numbers that span 255 the quantisation itself is exact."""
    rank, left = data.draw(st.integers(2, 3)), data.draw(st.booleans())
    dtype = data.draw(st.sampled_from([np.int8, np.uint8]))
    per_column, zero_point = data.draw(st.booleans()), data.draw(st.sampled_from(["none", "one", "each"]))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    weight = rng.integers(np.iinfo(dtype).min, np.iinfo(dtype).max, (6, 5) if left else (5, 7)).astype(dtype)
    size = {"none": 0, "one": 1, "each": 1 if left else 7}[
        zero_point
    ]  # ONNX Runtime: a row has none of its own
    tensors = {
        "w": weight,
        "wz": rng.integers(0, 9, size).astype(dtype),
        "ws": rng.random(7 if per_column else 1, np.float32),
    }
    shape = [2, 5, 7][-rank:] if left else [2, 4, 5][-rank:]
    result = [*shape[:-2], 6, 7] if left else [*shape[:-1], 7]
    operands = ["w", "q", "wz" if size else "", "z"] if left else ["q", "w", "z", "wz"][: 4 if size else 3]
    product = helper.make_node("MatMulInteger", operands, ["i"], "product")
    nodes = [
        node("DynamicQuantizeLinear", "x", "q s z", "quantise"),
        product,
        node("Cast", "i", "f", "cast", to=TensorProto.FLOAT),
        node("Mul", "ws s", "both", "scales"),
        node("Mul", "both f", "y", "scale"),
    ]
    proto = model(nodes, [value("x", shape)], [value("y", result)], tensors, opset=13)
    before = loaded(proto, tmp_path_factory.mktemp("grids"))
    after = apply(before, only_finding(CODE, before)[1])
    x = rng.integers(-100, 156, shape).astype(np.float32)
    x.flat[:2] = -100, 155
    ours, theirs = run(proto, {"x": x})["y"], run(ir.to_proto(after), {"x": x})["y"]
    # Sums of five products of at most 155 * 255 * 1, each rounded in float32.
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=0.05)


def test_integers_that_come_from_elsewhere_stay(tmp_path):
    """The toolkit converts MatMulInteger itself; what the model reads the integers for is not known."""
    nodes = [node("MatMulInteger", "a w", "y", "product")]
    tensors = {"w": np.ones((4, 3), np.uint8)}
    inputs = [value("a", [2, 4], TensorProto.UINT8)]
    assert not findings(
        CODE, model(nodes, inputs, [value("y", [2, 3], TensorProto.INT32)], tensors), tmp_path
    )
    assert not findings(CODE, perceptron(), tmp_path)


def test_quantised_values_that_leave_the_model_stay(tmp_path):
    nodes = [node("DynamicQuantizeLinear", "x", "q s z", "quantise")]
    outputs = [value("q", [4], TensorProto.UINT8), value("s", []), value("z", [], TensorProto.UINT8)]
    assert not findings(CODE, model(nodes, [value("x", [4])], outputs), tmp_path)


def test_less_noise_is_allowed_without_recurrence(tmp_path):
    rule = get_rule(CODE)
    noise = {}
    for make in (perceptron, lstm):
        before = loaded(dynamic(make(), tmp_path, per_channel=False, weights=INT8), tmp_path)
        (finding,) = rule.find(before, RK3588)
        noise[make] = rule.mends(before, RK3588, finding)[0].noise
    assert 0 < noise[perceptron] < noise[lstm]
