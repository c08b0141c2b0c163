"""RKM001: the operator set."""

from __future__ import annotations

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from graphs import model, node, value
from onnx import TensorProto as Tensor
from onnx import helper

from rkmend.mend.apply import apply
from rkmend.rules import CannotApply, Exactness
from rule_bench import check_rewrite, check_trial, findings, loaded, only_finding

MAP = [1, 3, 12, 12]
HEADS = [1, 2, 6, 8]


def newer_opset() -> onnx.ModelProto:
    made = node("Conv", "x w", "c", "conv", kernel_shape=[3, 3])
    weights = {"w": np.ones((8, 3, 3, 3), np.float32)}
    outputs = [value("y", [1, 8, 10, 10])]
    return model([made, node("Relu", "c", "y", "relu")], [value("x", MAP)], outputs, weights, opset=21)


def single(made, inputs, output, weights=None, *, opset, dtype=Tensor.FLOAT) -> onnx.ModelProto:
    """A model of one operator; inputs by name, a shape or a shape and a dtype."""
    given = [value(name, *(what if isinstance(what, tuple) else (what,))) for name, what in inputs.items()]
    made.name = made.name or "op"
    return model([made], given, [value("y", output, dtype)], weights, opset=opset)


def halves(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(-4, 5, shape).astype(np.float32) / 2


ROTARY = {"c": halves(6, 4), "s": halves(6, 4)}

CASES = {
    "gelu": single(node("Gelu", "x", "y"), {"x": MAP}, MAP, opset=20),
    "gelu_tanh": single(node("Gelu", "x", "y", approximate="tanh"), {"x": MAP}, MAP, opset=20),
    "swish": single(node("Swish", "x", "y", alpha=0.5), {"x": MAP}, MAP, opset=24),
    "rms": single(
        node("RMSNormalization", "x g", "y", axis=-2), {"x": MAP}, MAP, {"g": halves(12, 12)}, opset=23
    ),
    "attention": single(
        node("Attention", "q k v", "y", is_causal=1), {"q": HEADS, "k": HEADS, "v": HEADS}, HEADS, opset=23
    ),
    "attention_3d_with_its_scores": model(
        [node("Attention", "q k v", "y a b z", "op", q_num_heads=4, kv_num_heads=2, qk_matmul_output_mode=3)],
        [value("q", [1, 6, 32]), value("k", [1, 5, 16]), value("v", [1, 5, 16])],
        [value("y", [1, 6, 32]), value("z", [1, 4, 6, 5])],
        opset=23,
    ),
    "groups": single(
        node("GroupNormalization", "x g b", "y", num_groups=2, epsilon=0.01),
        {"x": [2, 6, 5, 4]},
        [2, 6, 5, 4],
        {"g": halves(6), "b": halves(6)},
        opset=21,
    ),
    "grid_2d": single(
        node("AffineGrid", "x n", "y"),
        {"x": [2, 2, 3]},
        [2, 5, 4, 2],
        {"n": np.array([2, 3, 5, 4])},
        opset=20,
    ),
    "grid_3d": single(
        node("AffineGrid", "x n", "y", align_corners=1),
        {"x": [1, 3, 4]},
        [1, 2, 5, 4, 3],
        {"n": np.array([1, 3, 2, 5, 4])},
        opset=20,
    ),
    "sampling": single(
        node("GridSample", "x g", "y", mode="cubic"), {"x": MAP, "g": [1, 5, 4, 2]}, [1, 3, 5, 4], opset=20
    ),
    "sampling_by_default": single(
        node("GridSample", "x g", "y"), {"x": MAP, "g": [1, 5, 4, 2]}, [1, 3, 5, 4], opset=22
    ),
    "dft": single(
        helper.make_node("DFT", ["x", "", "a"], ["y"]),
        {"x": [1, 6, 8, 1]},
        [1, 6, 8, 2],
        {"a": np.array(-3)},
        opset=20,
    ),
    "dft_by_default": single(node("DFT", "x", "y"), {"x": [1, 6, 8, 1]}, [1, 6, 8, 2], opset=20),
    "largest_bool": single(
        node("ReduceMax", "x a", "y"),
        {"x": ([3, 4], Tensor.BOOL)},
        [3, 1],
        {"a": np.array([1])},
        opset=20,
        dtype=Tensor.BOOL,
    ),
    "infinite_half": single(
        node("IsInf", "x", "y", detect_negative=0),
        {"x": ([8], Tensor.FLOAT16)},
        [8],
        opset=20,
        dtype=Tensor.BOOL,
    ),
    "rotary": single(
        node("RotaryEmbedding", "x c s i", "y"),
        {"x": HEADS},
        HEADS,
        ROTARY | {"i": np.arange(6)[None, ::-1].copy()},
        opset=23,
    ),
    "rotary_interleaved": single(
        node("RotaryEmbedding", "x c s", "y", num_heads=2, interleaved=1),
        {"x": [1, 6, 16], "c": [1, 6, 4], "s": [1, 6, 4]},
        [1, 6, 16],
        opset=23,
    ),
    "blocks": single(
        node("DequantizeLinear", "x s z", "y", axis=1, block_size=2),
        {"x": ([3, 6], Tensor.INT8)},
        [3, 6],
        {"s": 1 + np.abs(halves(3, 3)), "z": np.ones((3, 3), np.int8)},
        opset=21,
    ),
    "blocks_quantised": single(
        node("QuantizeLinear", "x s z", "y", axis=0, block_size=3),
        {"x": [6, 4]},
        [6, 4],
        {"s": 1 + np.abs(halves(2, 4)), "z": np.full((2, 4), 7, np.uint8)},
        opset=21,
        dtype=Tensor.UINT8,
    ),
    "wide_numbers": single(
        node("DequantizeLinear", "x s z", "y", axis=-1),
        {"x": ([3, 6], Tensor.INT16)},
        [3, 6],
        {"s": 1 + np.abs(halves(6)), "z": np.zeros(6, np.int16)},
        opset=21,
    ),
}


def test_rewrite(tmp_path):
    check_rewrite("RKM001", newer_opset(), tmp_path)


@pytest.mark.parametrize("case", CASES)
def test_older_forms(case, tmp_path):
    check_rewrite("RKM001", CASES[case], tmp_path)


@pytest.mark.toolkit
@pytest.mark.parametrize("case", ["attention", "grid_2d", "groups", "rotary"])
def test_trial_of_an_older_form(case, bench, tmp_path):
    check_trial(bench, "RKM001", CASES[case], tmp_path)


@pytest.mark.toolkit
def test_trial(bench, tmp_path):
    check_trial(bench, "RKM001", newer_opset(), tmp_path)


def test_a_wider_definition_alone_is_exact(tmp_path):
    _finding, mend = only_finding("RKM001", loaded(newer_opset(), tmp_path))
    assert mend.exactness is Exactness.EXACT


def test_attributes_that_change_nothing_are_left_out(tmp_path):
    made = node("QuantizeLinear", "x s z", "y", block_size=0, output_dtype=0)
    weights = {"s": np.array(0.5, np.float32), "z": np.array(0, np.int8)}
    before = single(made, {"x": MAP}, MAP, weights, opset=21, dtype=Tensor.INT8)
    (after,) = check_rewrite("RKM001", before, tmp_path).graph
    assert after.op_type == "QuantizeLinear" and not after.attributes


def test_constants_of_four_bits_are_computed(tmp_path):
    nodes = [node("DequantizeLinear", "w s", "f", "dq"), node("MatMul", "x f", "y", "mm")]
    weights = {"s": np.array(0.25, np.float32)}
    proto = model(nodes, [value("x", [2, 4])], [value("y", [2, 3])], weights, opset=21, ir_version=10)
    proto.graph.initializer.append(helper.make_tensor("w", Tensor.INT4, [4, 3], np.arange(12) % 8 - 4))
    after = check_rewrite("RKM001", proto, tmp_path)
    assert [one.op_type for one in after.graph] == ["MatMul"]


def test_a_newer_operator_in_a_branch(tmp_path):
    then = helper.make_graph([node("Gelu", "x", "t", "gelu")], "t", [], [value("t", MAP)])
    other = helper.make_graph([node("Relu", "x", "o", "relu")], "o", [], [value("o", MAP)])
    made = node("If", "c", "y", "if", then_branch=then, else_branch=other)
    inputs = [value("x", MAP), value("c", [], Tensor.BOOL)]
    check_rewrite("RKM001", model([made], inputs, [value("y", MAP)], opset=20), tmp_path)


def test_an_operator_without_an_older_form_is_named(tmp_path):
    text = model([node("StringConcat", "x x", "y", "text")], [], [], opset=20)
    text.graph.input.append(value("x", [1], Tensor.STRING))
    text.graph.output.append(value("y", [1], Tensor.STRING))
    before = ir.from_proto(text)
    _finding, mend = only_finding("RKM001", before)
    with pytest.raises(CannotApply, match="StringConcat"):
        apply(before, mend)


def test_a_dtype_that_no_older_definition_takes_is_named(tmp_path):
    conv = node("Conv", "x w", "y", "conv")
    proto = model([conv], [], [], opset=22, ir_version=10)
    for name, shape in (("x", [1, 1, 4, 4]), ("w", [1, 1, 3, 3])):
        proto.graph.input.append(value(name, shape, Tensor.BFLOAT16))
    proto.graph.output.append(value("y", [1, 1, 2, 2], Tensor.BFLOAT16))
    before = ir.from_proto(proto)
    _finding, mend = only_finding("RKM001", before)
    with pytest.raises(CannotApply, match=r"Conv \(bfloat16, bfloat16\)"):
        apply(before, mend)


def test_a_model_of_an_older_opset_is_left_alone(tmp_path):
    old = model([node("Relu", "x", "y", "relu")], [value("x", MAP)], [value("y", MAP)], opset=12)
    assert not findings("RKM001", old, tmp_path)
