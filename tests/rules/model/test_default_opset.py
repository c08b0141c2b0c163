"""RKM009: a model without a default operator set."""

from __future__ import annotations

import onnx
import pytest
from graphs import model, node, value

from rule_bench import check_rewrite, check_trial, findings

CODE = "RKM009"


def binarised(*, declared: bool = False) -> onnx.ModelProto:
    one = node("Binarizer", "x", "y", "binarise", domain="ai.onnx.ml", threshold=0.5)
    own = onnx.helper.make_opsetid("ai.onnx.ml", 1)
    proto = model([one], [value("x", [2, 3])], [value("y", [2, 3])], opsets=[own])
    if not declared:
        del proto.opset_import[0]
    return proto


def test_rewrite(tmp_path):
    check_rewrite(CODE, binarised(), tmp_path)


@pytest.mark.toolkit
def test_trial(bench, tmp_path):
    check_trial(bench, CODE, binarised(), tmp_path)


def test_declared(tmp_path):
    assert not findings(CODE, binarised(declared=True), tmp_path)
