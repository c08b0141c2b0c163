"""Operators that draw random numbers, and the Scan of opset 8."""

from __future__ import annotations

import onnx
import pytest
from graphs import model, node, value

from rkmend.rules import get_rule
from rule_bench import RK3588, findings, loaded


def noisy() -> onnx.ModelProto:
    nodes = [node("RandomUniformLike", "x", "r", "draw"), node("Add", "x r", "y", "add")]
    return model(nodes, [value("x", [2, 3])], [value("y", [2, 3])])


def scan(opset: int = 8) -> onnx.ModelProto:
    """Sums up as it goes along."""
    body = onnx.helper.make_graph(
        [node("Add", "a b", "c"), node("Identity", "c", "d")],
        "body",
        [value("a", [2]), value("b", [2])],
        [value("c", [2]), value("d", [2])],
    )
    batch = [1] if opset == 8 else []
    operands = ["", "s", "x"] if opset == 8 else ["s", "x"]
    one = onnx.helper.make_node("Scan", operands, ["y", "z"], "scan", num_scan_inputs=1, body=body)
    given, made = [value("s", [*batch, 2]), value("x", [*batch, 3, 2])], [*batch, 3, 2]
    return model([one], given, [value("y", [*batch, 2]), value("z", made)], opset=opset)


CASES = {"RKM090": (noisy, "RandomUniformLike 'draw'"), "RKM091": (scan, "Scan 'scan'")}


@pytest.mark.parametrize("code", CASES)
def test_refused_by_name(code, tmp_path):
    make, named = CASES[code]
    (finding,) = findings(code, make(), tmp_path)
    assert named in finding.message
    assert not get_rule(code).mends(loaded(make(), tmp_path), RK3588, finding)


def test_plain_operators(tmp_path):
    proto = model([node("Relu", "x", "y", "relu")], [value("x", [2, 3])], [value("y", [2, 3])])
    assert not findings("RKM090", proto, tmp_path)


def test_a_newer_scan(tmp_path):
    assert not findings("RKM091", scan(9), tmp_path)
