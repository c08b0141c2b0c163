"""Axes of more than 8192 elements: Slice, depthwise Conv, pooling, and the head of a detector."""

from __future__ import annotations

import numpy as np
import pytest
from graphs import model, node, value

from one_operator import check_same, mended, noise, one
from rule_bench import rewrite_and_trial


def cut(shape, start, end, axis):
    bounds = {"starts": start, "ends": end, "axes": axis}
    return one("Slice", shape, {name: np.array([bound], np.int64) for name, bound in bounds.items()})


def distribution(boxes):
    nodes = [
        node("Reshape", "x s", "r", "reshape"),
        node("Transpose", "r", "t", "transpose", perm=[0, 2, 1, 3]),
        node("Softmax", "t", "p", "softmax", axis=1),
        node("Conv", "p w", "c", "mean", kernel_shape=[1, 1]),
        node("Relu", "c", "y", "relu"),
    ]
    weights = {
        "s": np.array([1, 4, 16, boxes], np.int64),
        "w": np.arange(16, dtype=np.float32).reshape(1, 16, 1, 1),
    }
    return model(nodes, [value("x", [1, 64, boxes])], [value("y", [1, 1, 4, boxes])], weights, opset=13)


CASES = {
    "frames": ("RKM107", cut([1, 9600], 160, 9440, 1)),
    "odd": ("RKM107", cut([1, 4, 4, 9000], 5, -200, -1)),
    "depthwise": (
        "RKM109",
        one("Conv", [1, 8400, 4, 4], {"w": noise([8400, 1, 3, 3])}, group=8400, pads=[1] * 4),
    ),
    "rows": (
        "RKM109",
        one("MaxPool", [1, 16, 9000, 4], kernel_shape=[3, 1], pads=[1, 0] * 2, strides=[2, 1]),
    ),
    "mean": ("RKM109", one("AveragePool", [1, 9000, 4, 4], kernel_shape=[2, 2])),
    "channels": ("RKM109", one("GlobalMaxPool", [1, 9013, 8, 8])),
    "all": ("RKM109", one("GlobalMaxPool", [1, 16, 1, 9000])),
    "boxes": ("RKM111", distribution(8400)),
}


TRIED = ("frames", "depthwise", "mean", "channels", "boxes")
"""The others fail in the same ways."""

test_rewrite, test_trial = rewrite_and_trial(CASES, TRIED)


@pytest.mark.parametrize(
    ("code", "proto"),
    [
        ("RKM107", cut([1, 4, 9000, 4], 5, 8800, 2)),
        ("RKM107", cut([1, 8192], 5, 100, 1)),
        ("RKM109", one("Conv", [1, 8208, 3, 3], {"w": noise([8, 8208, 3, 3])})),
        ("RKM109", one("MaxPool", [1, 4, 8192, 4], kernel_shape=[2, 2])),
        ("RKM111", distribution(2100)),
    ],
)
def test_what_converts_is_left_alone(code, proto):
    assert mended(code, proto) is None


@pytest.mark.parametrize("opset", [7, 10, 13])
@pytest.mark.parametrize("counted", [0, 1])
@pytest.mark.parametrize("axis", [2, 3])
def test_pieces_overlap_by_what_the_windows_see(axis, counted, opset):
    shape = [1, 2, 3, 3]
    shape[axis] = 20000
    attributes = {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 0, 2]}
    proto = one("AveragePool", shape, opset=opset, count_include_pad=counted, **attributes)
    assert check_same("RKM109", proto)
    assert check_same("RKM109", one("MaxPool", shape, opset=opset, **attributes))
