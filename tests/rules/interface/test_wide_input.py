"""Inputs that the NPU cannot bring into its own order of elements."""

from __future__ import annotations

import onnx
import pytest
from graphs import model, node, value

from one_operator import mended, noise, one
from rkmend.checking import check
from rkmend.rules.base import Level
from rule_bench import check_rewrite, check_trial

CODE = "RKM057"
CASES = {
    "sound": one("Conv", [1, 1, 1, 70000], {"w": noise([8, 1, 1, 9])}, strides=[1, 4], pads=[0, 4, 0, 4]),
    "three": one("Sigmoid", [1, 3, 1, 40000]),
    "twice": model(
        [node("Relu", "x", "r", "relu"), node("Mul", "x x", "s", "square"), node("Add", "r s", "y", "add")],
        [value("x", [1, 1, 1, 70000])],
        [value("y", [1, 1, 1, 70000])],
    ),
    "channels": one("Relu", [1, 8200, 2, 3]),
    "two": one("Add", [1, 4, 1, 20000], more={"z": [1, 4, 1, 20000]}),
}


@pytest.mark.parametrize("case", CASES)
def test_rewrite(case, tmp_path):
    check_rewrite(CODE, CASES[case], tmp_path)


@pytest.mark.toolkit
@pytest.mark.parametrize("case", ["channels", "two"])
def test_trial(case, bench, tmp_path):
    check_trial(bench, CODE, CASES[case], tmp_path)


@pytest.mark.parametrize(
    "shape", [[1, 1, 1, 33000], [1, 4, 4, 16384], [1, 3, 1, 17000], [1, 20000, 4, 4], [1, 5, 1, 40000]]
)
def test_what_converts_is_left_alone(shape):
    assert mended(CODE, one("Relu", shape)) is None


@pytest.mark.parametrize(
    ("shape", "target", "level"),
    [
        ([1, 9001, 2, 13], "rk3588", Level.ERROR),
        ([1, 9001, 2, 13], "rk3576", Level.ERROR),
        ([1, 9001, 2, 13], "rk3562", None),
        ([1, 9001, 1, 3], "rk3562", Level.ERROR),
        ([1, 9001, 1, 3], "rk3566", Level.ERROR),
        ([1, 9001, 3, 4], "rk3588", None),
        ([1, 9001, 1, 1], "rk3576", None),
        ([1, 8192, 2, 13], "rk3588", None),
        ([1, 1, 1, 70000], "rk3588", Level.WARNING),
    ],
)
def test_many_channels_overflow_for_certain(shape, target, level, tmp_path):
    """As trials ended."""
    path = tmp_path / "m.onnx"
    onnx.save(one("Relu", shape), path)
    found = [one.level for one in check(path, target).findings if one.code == CODE]
    assert found == ([] if level is None else [level])
