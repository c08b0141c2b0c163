"""RKM090: operators that draw random numbers."""

from __future__ import annotations

import onnx
from graphs import model, node, value

from rkmend.rules import get_rule
from rule_bench import RK3588, findings, loaded

CODE = "RKM090"


def noisy() -> onnx.ModelProto:
    nodes = [node("RandomUniformLike", "x", "r", "draw"), node("Add", "x r", "y", "add")]
    return model(nodes, [value("x", [2, 3])], [value("y", [2, 3])])


def test_refused_by_name(tmp_path):
    (finding,) = findings(CODE, noisy(), tmp_path)
    assert "RandomUniformLike 'draw'" in finding.message
    assert not get_rule(CODE).mends(loaded(noisy(), tmp_path), RK3588, finding)


def test_plain_operators(tmp_path):
    proto = model([node("Relu", "x", "y", "relu")], [value("x", [2, 3])], [value("y", [2, 3])])
    assert not findings(CODE, proto, tmp_path)
