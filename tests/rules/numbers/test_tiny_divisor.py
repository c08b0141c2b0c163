"""RKM410: divisions that are kept from zero by a number that fp16 does not have."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from graphs import model, node, value

from rule_bench import check_rewrite, check_trial, findings

CODE = "RKM410"
SHAPE = [1, 8, 6, 6]


def normalised(kind: str, smallest: float = 1e-12, *, expand: bool = False) -> onnx.ModelProto:
    """Divided by the norm over the channels."""
    operands = {"Max": "norm smallest", "Clip": "norm smallest", "Add": "smallest norm"}[kind]
    nodes = [
        node("ReduceL2", "x", "norm", "norm", axes=[1]),
        node(kind, operands, "kept", "keep"),
        *([node("Expand", "kept shape", "wide", "expand")] if expand else []),
        node("Div", "x wide" if expand else "x kept", "y", "divide"),
    ]
    weights = {"smallest": np.array(smallest, np.float32), "shape": np.array(SHAPE)}
    return model(nodes, [value("x", SHAPE)], [value("y", SHAPE)], weights, opset=13)


@pytest.mark.parametrize("kind", ["Max", "Clip", "Add"])
def test_rewrite(kind, tmp_path):
    check_rewrite(CODE, normalised(kind), tmp_path)


def test_bound_before_an_expand(tmp_path):
    check_rewrite(CODE, normalised("Max", expand=True), tmp_path)


@pytest.mark.toolkit
@pytest.mark.parametrize("kind", ["Clip", "Max"])
def test_trial(kind, bench, tmp_path):
    check_trial(bench, CODE, normalised(kind), tmp_path)


def test_a_number_that_fp16_has(tmp_path):
    assert not findings(CODE, normalised("Max", 1e-3), tmp_path)


def test_a_sum_that_may_be_negative(tmp_path):
    proto = normalised("Add")
    proto.graph.node[0].CopyFrom(node("ReduceMean", "x", "norm", "norm", axes=[1]))
    assert not findings(CODE, proto, tmp_path)
