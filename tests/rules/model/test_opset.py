"""RKM001: the operator set."""

from __future__ import annotations

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from graphs import model, node, value

from rkmend.mend.apply import apply
from rkmend.rules import CannotApply
from rule_bench import check_rewrite, check_trial, findings, only_finding

MAP = [1, 3, 12, 12]


def newer_opset() -> onnx.ModelProto:
    made = node("Conv", "x w", "c", "conv", kernel_shape=[3, 3])
    weights = {"w": np.ones((8, 3, 3, 3), np.float32)}
    outputs = [value("y", [1, 8, 10, 10])]
    return model([made, node("Relu", "c", "y", "relu")], [value("x", MAP)], outputs, weights, opset=21)


def test_rewrite(tmp_path):
    check_rewrite("RKM001", newer_opset(), tmp_path)


@pytest.mark.toolkit
def test_trial(bench, tmp_path):
    check_trial(bench, "RKM001", newer_opset(), tmp_path)


@pytest.mark.parametrize("approximate", ["none", "tanh"])
def test_gelu_in_older_operators(approximate, tmp_path):
    gelu = node("Gelu", "x", "y", "gelu", approximate=approximate)
    check_rewrite("RKM001", model([gelu], [value("x", MAP)], [value("y", MAP)], opset=20), tmp_path)


def test_an_operator_without_an_older_form_is_named(tmp_path):
    text = model([node("StringConcat", "x x", "y", "text")], [], [], opset=20)
    text.graph.input.append(value("x", [1], onnx.TensorProto.STRING))
    text.graph.output.append(value("y", [1], onnx.TensorProto.STRING))
    before = ir.from_proto(text)
    _finding, mend = only_finding("RKM001", before)
    with pytest.raises(CannotApply, match="StringConcat"):
        apply(before, mend)


def test_a_model_of_an_older_opset_is_left_alone(tmp_path):
    old = model([node("Relu", "x", "y", "relu")], [value("x", MAP)], [value("y", MAP)], opset=12)
    assert not findings("RKM001", old, tmp_path)
