"""Operators that only move elements, in forms that the toolkit gets wrong."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from graphs import model, node, value

from rule_bench import check_rewrite, check_trial, findings

MAP = [1, 4, 6, 10]


def split(count: int) -> onnx.ModelProto:
    """Of 10 columns; the last piece is the smaller one."""
    names = [f"y{number}" for number in range(count)]
    size = -(-MAP[3] // count)
    sizes = [size] * (count - 1) + [MAP[3] - size * (count - 1)]
    nodes = [
        node("Relu", "x", "r", "relu"),
        node("Split", "r", " ".join(names), "split", axis=-1, num_outputs=count),
    ]
    outputs = [value(name, [*MAP[:3], width]) for name, width in zip(names, sizes, strict=True)]
    return model(nodes, [value("x", MAP)], outputs, opset=18)


def pad(axes: list[int], mode: str = "constant") -> onnx.ModelProto:
    """By 1 before and 2 behind, but the first of the axes by nothing."""
    padded = onnx.helper.make_node("Pad", ["r", "p", "", "a"], ["y"], "pad", mode=mode)
    padded_axes = {axis % 4 for axis in axes[1:]}
    made = [size + 3 * (axis in padded_axes) for axis, size in enumerate(MAP)]
    weights = {"p": np.repeat([0, 1, 0, 2], [1, len(axes) - 1] * 2), "a": np.array(axes)}
    return model(
        [node("Relu", "x", "r", "relu"), padded], [value("x", MAP)], [value("y", made)], weights, opset=18
    )


def gather(axis: int, count: int = 10) -> onnx.ModelProto:
    indices = np.random.default_rng(0).integers(0, 10, [*MAP[:3], count])
    nodes = [node("Relu", "x", "r", "relu"), node("GatherElements", "r i", "y", "gather", axis=axis)]
    return model(nodes, [value("x", MAP)], [value("y", [*MAP[:3], count])], {"i": indices})


def cut(shape: list[int], axes: list[int], step: int = 1, opset: int = 13) -> onnx.ModelProto:
    """Without the first element of each axis."""
    made = [len(range(1, size, step)) if axis in axes else size for axis, size in enumerate(shape)]
    bounds = {"starts": [1] * len(axes), "ends": [99] * len(axes), "axes": axes, "steps": [step] * len(axes)}
    attributes = {name: bounds[name] for name in ("starts", "ends", "axes")} if opset < 10 else {}
    weights = {} if attributes else {name: np.array(numbers) for name, numbers in bounds.items()}
    nodes = [
        node("Relu", "x", "r", "relu"),
        node("Slice", " ".join(["r", *weights]), "y", "slice", **attributes),
    ]
    return model(nodes, [value("x", shape)], [value("y", made)], weights, opset=opset)


FAIL = {
    "RKM253": [split(3)],
    "RKM254": [pad([1, 3]), pad([-3, -1], "reflect")],
    "RKM256": [gather(-1)],
    "RKM257": [cut([2, 3, 4, 5, 6], [4]), cut([3, 3, 4, 5, 6], [1, 3]), cut([1, 2, 3, 4, 5, 6], [5], step=2)],
}
CONVERT = {
    "RKM253": [split(2)],
    "RKM254": [pad([0, 1, 2, 3])],
    "RKM256": [gather(3), gather(-1, 4)],
    "RKM257": [cut([1, 8, 4, 5, 6], [4]), cut([3, 3, 4, 5, 6], [2]), cut([2, 3, 4, 5], [1])],
}
"""All of these were tried."""


@pytest.mark.parametrize(("code", "proto"), [(code, proto) for code in FAIL for proto in FAIL[code]])
def test_rewrite(code, proto, tmp_path):
    check_rewrite(code, proto, tmp_path)


def test_slice_of_an_old_opset(tmp_path):
    check_rewrite("RKM257", cut([2, 3, 4, 5, 6], [4], opset=9), tmp_path)


@pytest.mark.parametrize(("code", "proto"), [(code, proto) for code in CONVERT for proto in CONVERT[code]])
def test_not_found_where_the_toolkit_converts(code, proto, tmp_path):
    assert findings(code, proto, tmp_path) == []


@pytest.mark.toolkit
@pytest.mark.parametrize("code", FAIL)
def test_trial(code, bench, tmp_path):
    check_trial(bench, code, FAIL[code][0], tmp_path)
