"""Activations that are quantised with a scale for each channel, or with one that is measured."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from graphs import model, node, value
from onnx import TensorProto

from rule_bench import check_rewrite, check_trial, findings

UINT8, INT8 = TensorProto.UINT8, TensorProto.INT8
MAP = [1, 3, 3, 2]


def by_channel(dtype: int = UINT8, axis: int = 1, scales=(2, 4, 5)) -> onnx.ModelProto:
    shape = [2, 3, 4, 3] if axis < 0 else MAP
    points = np.array([84, 24, 96][: len(scales)], onnx.helper.tensor_dtype_to_np_dtype(dtype))
    weights = {"s": np.array(scales, np.float32) / 50, "z": points}
    if len(scales) == 1:
        weights = {name: array.reshape(()) for name, array in weights.items()}
    nodes = [node("QuantizeLinear", "x s z", "y", "quantise", axis=axis)]
    return model(nodes, [value("x", shape)], [value("y", shape, dtype)], weights)


def dequantised(axis: int = 1) -> onnx.ModelProto:
    shape = [2, 3, 4, 3] if axis < 0 else MAP
    weights = {"s": np.array([2, 4, 5], np.float32), "z": np.array([84, 24, 196], np.uint8)}
    nodes = [node("DequantizeLinear", "x s z", "y", "dequantise", axis=axis)]
    return model(nodes, [value("x", shape, UINT8)], [value("y", shape)], weights)


def measured(shape=(6,)) -> onnx.ModelProto:
    given = [value("y", shape, UINT8), value("s", []), value("z", [], UINT8)]
    return model(
        [node("DynamicQuantizeLinear", "x", "y s z", "quantise")], [value("x", shape)], given, opset=11
    )


CASES = {
    ("RKM310", "uint8"): by_channel,
    ("RKM310", "int8"): lambda: by_channel(INT8),
    ("RKM310", "last axis"): lambda: by_channel(axis=-1),
    ("RKM310", "dequantise"): dequantised,
    ("RKM310", "dequantise last axis"): lambda: dequantised(-1),
    ("RKM311", "one axis"): measured,
    ("RKM311", "four axes"): lambda: measured((1, 8, 6, 6)),
}


@pytest.mark.parametrize("case", CASES, ids=" ".join)
def test_rewrite(case, tmp_path):
    check_rewrite(case[0], CASES[case](), tmp_path)


@pytest.mark.toolkit
@pytest.mark.parametrize(
    "case", [("RKM310", "uint8"), ("RKM310", "dequantise"), ("RKM311", "one axis")], ids=" ".join
)
def test_trial(case, bench, tmp_path):
    check_trial(bench, case[0], CASES[case](), tmp_path)


def test_one_scale(tmp_path):
    assert not findings("RKM310", by_channel(scales=(2,)), tmp_path)
