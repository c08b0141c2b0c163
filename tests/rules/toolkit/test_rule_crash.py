"""RKM901: the toolkit dies in one of its own graph rules."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from graphs import model, node, value

from one_operator import noise, one
from rkmend.records import Status
from rkmend.toolkit.verdict import Outcome


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


@pytest.mark.toolkit
def test_a_conversion_goes_on_without_the_rule_that_dies(convert, tmp_path):
    onnx.save(mul_before_gemm(), tmp_path / "m.onnx")
    result = convert(tmp_path / "m.onnx", out=tmp_path / "out")
    assert result.status is Status.MENDED, result.reason
    assert [(mend.code, mend.name) for mend in result.mends] == [("RKM901", "disable-rule")]
    assert result.options.disable_rules and all(check.ok for check in result.verification)


@pytest.mark.toolkit
def test_a_conversion_comes_out_of_a_circle_of_rules(convert, tmp_path):
    """Windows of one image; it takes some seconds of the 15 minutes of the time limit."""
    shape, order = [1, 4, 6, 2, 6, 2], [0, 1, 3, 5, 2, 4]
    nodes = [node("Transpose", "x", "y", "turn", perm=order)]
    turned = value("y", [shape[axis] for axis in order])
    onnx.save(model(nodes, [value("x", shape)], [turned]), tmp_path / "m.onnx")
    result = convert(tmp_path / "m.onnx", out=tmp_path / "out")
    assert result.first_verdict.outcome is Outcome.HUNG
    assert result.status is Status.MENDED, result.reason
    assert [(mend.code, mend.name) for mend in result.mends] == [("RKM901", "disable-rule")]


@pytest.mark.toolkit
def test_a_mend_whose_operators_meet_such_rules_leads_on(convert, tmp_path):
    """RK3576 has no ConvTranspose of stride 10; of the Reshapes that make one out of a Conv two rules die in turn."""
    proto = one("ConvTranspose", [1, 8, 3, 3], {"w": noise([8, 4, 8, 8])}, strides=[10, 10])
    onnx.save(proto, tmp_path / "m.onnx")
    result = convert(tmp_path / "m.onnx", out=tmp_path / "out", target="rk3576")
    assert result.status is Status.MENDED, result.reason
    assert [(mend.code, mend.name) for mend in result.mends] == [
        ("RKM115", "phases"),
        *[("RKM901", "disable-rule")] * len(result.options.disable_rules),
    ]
    assert result.options.disable_rules
