"""The rules about single operators and about the model as a whole: what they find, what they make of it, on trial."""

from __future__ import annotations

import re

import numpy as np
import onnx
import onnx_ir as ir
import onnxruntime as ort
import pytest
from graphs import model, node, value

import rkmend
from rkmend.graph import load
from rkmend.mend.apply import apply
from rkmend.mend.prove import prove
from rkmend.records import Status
from rkmend.rules import CannotApply, get_rule
from rkmend.rules.registry import all_rules
from rkmend.targets import load_target

RK3588 = load_target("rk3588")
MAP = [1, 3, 12, 12]


def image_scaler(opset: int = 7) -> onnx.ModelProto:
    scaler = node("ImageScaler", "x", "s", "scaler", scale=2.0, bias=[1.0, -2.0, 3.0])
    return model([scaler, node("Relu", "s", "y", "relu")], [value("x", MAP)], [value("y", MAP)], opset=opset)


def crop() -> onnx.ModelProto:
    cut = node("Crop", "r", "y", "crop", border=[1, 2, 3, 4])
    return model(
        [node("Relu", "x", "r", "relu"), cut], [value("x", MAP)], [value("y", [1, 3, 6, 8])], opset=7
    )


def affine() -> onnx.ModelProto:
    line = node("Affine", "r", "y", "affine", alpha=2.5, beta=-1.5)
    return model([node("Relu", "x", "r", "relu"), line], [value("x", MAP)], [value("y", MAP)], opset=7)


def constant_of_shape() -> onnx.ModelProto:
    """Without `value`: with one the toolkit takes it."""
    nodes = [
        node("ConstantOfShape", "shape", "c", "zeros"),
        node("Concat", "x c", "y", "concat", axis=1),
    ]
    weights = {"shape": np.array([1, 2, 12, 12], np.int64)}
    return model(nodes, [value("x", MAP)], [value("y", [1, 5, 12, 12])], weights, opset=12)


def newer_opset() -> onnx.ModelProto:
    made = node("Conv", "x w", "c", "conv", kernel_shape=[3, 3])
    weights = {"w": np.ones((8, 3, 3, 3), np.float32)}
    outputs = [value("y", [1, 8, 10, 10])]
    return model([made, node("Relu", "c", "y", "relu")], [value("x", MAP)], outputs, weights, opset=21)


def mul_before_gemm() -> onnx.ModelProto:
    """As policies of robots begin: the toolkit's `fuse_mul_into_gemm` multiplies along the wrong axis."""
    random = np.random.default_rng(0)
    weights = {
        "scale": random.random(57).astype(np.float32) + np.float32(0.5),
        "w": random.standard_normal((57, 16)).astype(np.float32),
        "b": random.standard_normal(16).astype(np.float32),
    }
    nodes = [node("Mul", "x scale", "m", "mul"), node("Gemm", "m w b", "y", "gemm")]
    return model(nodes, [value("x", [1, 57])], [value("y", [1, 16])], weights, opset=11)


CASES = {
    "RKM001": (newer_opset, "opset-19"),
    "RKM201": (constant_of_shape, "fold"),
    "RKM202": (image_scaler, "mul-add"),
    "RKM203": (crop, "slice"),
    "RKM204": (affine, "mul-add"),
}


def loaded(proto: onnx.ModelProto, tmp_path) -> ir.Model:
    path = tmp_path / "model.onnx"
    onnx.save(proto, path)
    from rkmend.graph import freeze

    return freeze(load(path), {}).ir


def outputs(proto: onnx.ModelProto, x: np.ndarray) -> list[np.ndarray]:
    session = ort.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": x})


@pytest.mark.parametrize("code", CASES)
def test_the_rewrite_computes_the_same_and_is_proved(code, tmp_path):
    make, name = CASES[code]
    before = loaded(make(), tmp_path)
    (finding,) = get_rule(code).find(before, RK3588)
    (mend,) = get_rule(code).mends(before, RK3588, finding)
    assert mend.name == name
    after = apply(before, mend)
    shape = tuple(before.graph.inputs[0].shape.numpy())
    x = np.random.default_rng(1).standard_normal(shape).astype(np.float32)
    for ours, theirs in zip(outputs(ir.to_proto(before), x), outputs(ir.to_proto(after), x), strict=True):
        # 1e-6: two roundings of float32 where ONNX Runtime fuses multiplication and addition
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-6)
    assert not list(get_rule(code).find(after, RK3588))
    proof = prove(before, after, finding, mend, tmp_path)
    assert proof.holds, proof.does_not_cover


@pytest.mark.parametrize("approximate", ["none", "tanh"])
def test_gelu_in_older_operators(approximate, tmp_path):
    gelu = node("Gelu", "x", "y", "gelu", approximate=approximate)
    before = loaded(model([gelu], [value("x", MAP)], [value("y", MAP)], opset=20), tmp_path)
    (finding,) = get_rule("RKM001").find(before, RK3588)
    (mend,) = get_rule("RKM001").mends(before, RK3588, finding)
    proof = prove(before, apply(before, mend), finding, mend, tmp_path)
    assert mend.exactness.value == "rounding" and proof.holds, proof.does_not_cover


def test_an_operator_without_an_older_form_is_named(tmp_path):
    text = model([node("StringConcat", "x x", "y", "text")], [], [], opset=20)
    text.graph.input.append(value("x", [1], onnx.TensorProto.STRING))
    text.graph.output.append(value("y", [1], onnx.TensorProto.STRING))
    before = ir.from_proto(text)
    (finding,) = get_rule("RKM001").find(before, RK3588)
    (mend,) = get_rule("RKM001").mends(before, RK3588, finding)
    with pytest.raises(CannotApply, match="StringConcat"):
        apply(before, mend)


def test_a_model_of_an_older_opset_is_left_alone(tmp_path):
    assert not list(get_rule("RKM001").find(loaded(constant_of_shape(), tmp_path), RK3588))


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.code)
def test_every_page_has_every_section(rule):
    sections = re.findall(r"^## (.+)$", rule.page(), re.MULTILINE)
    assert sections == [
        "What happens", "Why", "Example", "What rkmend does", "Exactness and its limits", "Evidence",
    ]  # fmt: skip


@pytest.mark.toolkit
@pytest.mark.parametrize("code", [*CASES, "RKM901"])
def test_the_toolkit_fails_without_the_mend_and_converts_with_it(code, toolkit, tmp_path):
    make, name = CASES.get(code, (mul_before_gemm, "disable-rule"))
    onnx.save(make(), tmp_path / "m.onnx")
    result = rkmend.convert(tmp_path / "m.onnx", target="rk3588", out=tmp_path / "out")
    assert result.status is Status.MENDED, result.reason
    assert not result.first_verdict.converted
    assert [(mend.code, mend.name) for mend in result.mends] == [(code, name)]
    assert all(check.ok for check in result.verification)
