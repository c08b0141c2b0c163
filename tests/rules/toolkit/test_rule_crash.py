"""RKM901: the toolkit dies in one of its own graph rules."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from graphs import model, node, value

from rkmend.records import Status


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
