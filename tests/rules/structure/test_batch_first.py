"""RKM272: recurrent operators of layout 1."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from graphs import model, value

from rule_bench import check_rewrite, check_trial, findings

CODE = "RKM272"
GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
BATCH, STEPS, SIZE, HIDDEN = 3, 2, 5, 7


def recurrent(kind: str = "GRU", layout: int = 1, start: bool = False) -> onnx.ModelProto:
    random = np.random.default_rng(0)
    rows = GATES[kind] * HIDDEN
    weights = {
        "w": random.standard_normal((1, rows, SIZE), np.float32),
        "r": random.standard_normal((1, rows, HIDDEN), np.float32),
    }
    data, y, state = [BATCH, STEPS, SIZE], [BATCH, STEPS, 1, HIDDEN], [BATCH, 1, HIDDEN]
    if not layout:
        data, y, state = [STEPS, BATCH, SIZE], [STEPS, 1, BATCH, HIDDEN], [1, BATCH, HIDDEN]
    inputs = [value("x", data), *([value("h", state)] if start else [])]
    one = onnx.helper.make_node(
        kind,
        ["x", "w", "r", *(["", "", "h"] if start else [])],
        ["y", "yh"],
        "recurrent",
        hidden_size=HIDDEN,
        **({"layout": 1} if layout else {}),
    )
    return model([one], inputs, [value("y", y), value("yh", state)], weights, opset=14)


@pytest.mark.parametrize("kind", GATES)
def test_rewrite(kind, tmp_path):
    check_rewrite(CODE, recurrent(kind), tmp_path)


def test_first_state(tmp_path):
    check_rewrite(CODE, recurrent("RNN", start=True), tmp_path)


@pytest.mark.toolkit
@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_trial(kind, bench, tmp_path):
    check_trial(bench, CODE, recurrent(kind), tmp_path)


def test_steps_first(tmp_path):
    assert not findings(CODE, recurrent(layout=0), tmp_path)
