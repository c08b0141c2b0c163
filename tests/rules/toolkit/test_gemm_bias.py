"""RKM505: Gemm with a bias that is no constant."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from graphs import model, node, value

from rule_bench import check_rewrite, check_trial, findings, loaded

CODE = "RKM505"


def gemm(bias: list[int], *, fed: bool = True, opset: int = 13, **attributes: float) -> onnx.ModelProto:
    random = np.random.default_rng(0)
    weights = {"w": random.standard_normal((16, 8)).astype(np.float32)}
    inputs = [value("x", [4, 16])]
    if fed:
        inputs.append(value("b", bias))
    else:
        weights["b"] = random.standard_normal(bias).astype(np.float32)
    nodes = [node("Gemm", "x w b", "y", "gemm", **attributes)]
    return model(nodes, inputs, [value("y", [4, 8])], weights, opset=opset)


@pytest.mark.parametrize("bias", [[8], [1], [1, 1], [4, 1]], ids=str)
@pytest.mark.parametrize("opset", [9, 13])
def test_the_bias_is_added_apart(bias, opset, tmp_path):
    check_rewrite(CODE, gemm(bias, opset=opset, alpha=0.5, beta=2.0), tmp_path)


@pytest.mark.parametrize(("bias", "fed"), [([4, 8], True), ([1, 8], True), ([8], False)], ids=str)
def test_what_the_toolkit_takes_is_no_finding(bias, fed, tmp_path):
    assert not findings(CODE, gemm(bias, fed=fed), tmp_path)


@pytest.mark.toolkit
@pytest.mark.parametrize("bias", [[8], [4, 1]], ids=str)
def test_the_toolkit_takes_an_add(bench, bias, tmp_path):
    check_trial(bench, CODE, gemm(bias, beta=2.0), tmp_path)


@pytest.mark.toolkit
def test_a_row_converts_as_it_is(bench, tmp_path):
    assert bench.verdict(loaded(gemm([1, 8]), tmp_path), gemm([1, 8])).converted
