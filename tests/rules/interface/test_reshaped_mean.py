"""RKM060: a mean that is an output in another shape."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from graphs import model, node, value

from rule_bench import check_rewrite, check_trial, findings

CODE = "RKM060"


def centred(rows: int = 2) -> onnx.ModelProto:
    nodes = [
        node("ReduceMean", "x", "m", "mean", axes=[1]),
        node("Sub", "x m", "y", "centre"),
        node("Reshape", "m shape", "z", "four"),
    ]
    outputs = [value("y", [rows, 60]), value("z", [rows, 1, 1, 1])]
    return model(nodes, [value("x", [rows, 60])], outputs, {"shape": np.array([rows, 1, 1, 1])}, opset=13)


def test_rewrite(tmp_path):
    check_rewrite(CODE, centred(), tmp_path)


@pytest.mark.toolkit
def test_trial(bench, tmp_path):
    check_trial(bench, CODE, centred(), tmp_path)


def test_one_row(tmp_path):
    assert not findings(CODE, centred(1), tmp_path)
