"""RKM403: the logarithm of what is at least a number that fp16 does not have."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from graphs import model, node, run, value

from rule_bench import check_rewrite, check_trial, findings

CODE = "RKM403"
SHAPE = [1, 8, 16]


def loudness(kind: str, smallest: float = 1e-12) -> onnx.ModelProto:
    """As networks for speech begin: the logarithm of a power; behind it something that shows an infinity."""
    operands = {"Max": "smallest power", "Clip": "power smallest", "Between": "power smallest largest"}[kind]
    nodes = [
        node("Mul", "x x", "power", "power"),
        node("Max" if kind == "Max" else "Clip", operands, "kept", "keep"),
        node("Log", "kept", "log", "log"),
        node("Mul", "log tenth", "y", "scale"),
    ]
    weights = {"smallest": np.array(smallest, np.float32), "tenth": np.array(0.1, np.float32)}
    if kind == "Between":
        weights["largest"] = np.array(2, np.float32)
    return model(nodes, [value("x", SHAPE)], [value("y", SHAPE)], weights, opset=12)


@pytest.mark.parametrize("kind", ["Max", "Clip", "Between"])
def test_rewrite(kind, tmp_path):
    check_rewrite(CODE, loudness(kind), tmp_path)


def test_what_is_below_zero_counts_as_zero(tmp_path):
    import onnx_ir as ir

    proto = loudness("Max")
    proto.graph.node[0].CopyFrom(node("Neg", "x", "power", "power"))
    x = np.abs(np.random.default_rng(0).standard_normal(SHAPE)).astype(np.float32)
    after = ir.to_proto(check_rewrite(CODE, proto, tmp_path))
    # two roundings of float32 at -2.8
    np.testing.assert_allclose(run(after, {"x": x})["y"], run(proto, {"x": x})["y"], rtol=1e-6)


@pytest.mark.toolkit
def test_trial(bench, tmp_path):
    check_trial(bench, CODE, loudness("Max"), tmp_path)


def test_a_number_that_fp16_has(tmp_path):
    assert not findings(CODE, loudness("Max", 1e-3), tmp_path)


def test_a_clip_without_an_upper_bound(tmp_path):
    proto = loudness("Clip")
    proto.graph.node[1].input.append("")
    check_rewrite(CODE, proto, tmp_path)
