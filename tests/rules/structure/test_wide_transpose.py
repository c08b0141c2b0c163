"""Transposes that turn wide maps, in two steps."""

from __future__ import annotations

import onnx
import pytest

from one_operator import mended, one
from rkmend.checking import check
from rkmend.rules.base import Level
from rule_bench import check_rewrite, check_trial

CODE = "RKM258"
ORDERS = ([0, 1, 3, 2], [3, 0, 1, 2], [3, 0, 2, 1])


def turn(shape: list[int], order: list[int]) -> onnx.ModelProto:
    return one("Transpose", shape, perm=order)


@pytest.mark.parametrize(
    ("shape", "order"),
    [
        *((shape, order) for shape in ([1, 1, 130, 1040], [2, 3, 140, 1030]) for order in ORDERS),
        ([1, 2, 513, 256], [0, 3, 1, 2]),
    ],
)
def test_rewrite(shape, order, tmp_path):
    check_rewrite(CODE, turn(shape, order), tmp_path)


@pytest.mark.parametrize(
    ("shape", "order"), [([2, 1040, 1091], [2, 0, 1]), ([1, 1, 2, 513, 256], [0, 1, 4, 2, 3])]
)
def test_rewrite_of_other_axes(shape, order, tmp_path):
    assert mended(CODE, turn(shape, order)) is not None
    check_rewrite(CODE, turn(shape, order), tmp_path)


# What 2.3.2 does: E overflows a register, . does not; fp16, then int8.
@pytest.mark.parametrize(
    ("shape", "order", "levels"),
    [
        ([1, 16, 8, 1024], (0, 1, 3, 2), ".."),
        ([1, 16, 8, 1025], (0, 1, 3, 2), "EE"),
        ([1, 16, 8, 8200], (0, 1, 3, 2), ".."),
        ([1, 16, 8200, 2], (0, 1, 3, 2), "EE"),
        ([1, 5, 256, 512], (0, 1, 3, 2), "E."),
        ([1, 1, 256, 512], (0, 1, 3, 2), ".."),
        ([1, 1024, 4, 128], (0, 2, 1, 3), "E."),
        ([1, 2048, 2, 128], (0, 2, 1, 3), "EE"),
        ([1, 2984, 1, 128], (0, 2, 1, 3), ".."),
        ([1, 2984, 4, 100], (0, 2, 1, 3), ".."),
        ([1, 1000, 4, 128], (0, 2, 1, 3), ".."),
        ([1, 2, 1023, 256], (0, 3, 1, 2), "EE"),
        ([1, 2, 1023, 255], (0, 3, 1, 2), ".."),
        ([1, 2, 513, 256], (0, 3, 1, 2), "E."),
        ([1, 4, 1023, 256], (0, 3, 1, 2), ".."),
        ([1, 2, 511, 512], (0, 3, 1, 2), "E."),
        ([1, 2, 1024, 256], (0, 3, 1, 2), ".."),
        ([1, 80, 205, 16], (0, 3, 1, 2), ".E"),
        ([1, 80, 203, 16], (0, 3, 1, 2), ".."),
        ([1, 48, 3000, 40], (0, 3, 1, 2), ".."),
        ([1, 17, 1000, 32], (0, 3, 1, 2), ".."),
        ([80, 230, 16], (2, 0, 1), ".E"),
        ([84, 231, 80], (2, 0, 1), ".."),
        ([2, 100, 100, 64], (3, 0, 2, 1), ".E"),
        ([20, 17, 64, 20], (3, 0, 2, 1), ".."),
        ([8, 100, 64, 16], (3, 0, 1, 2), ".E"),
        ([4, 80, 100, 16], (0, 3, 1, 2), ".."),
        ([1, 16, 40, 40], (3, 0, 1, 2), ".E"),
        ([1, 170, 64, 16], (3, 0, 1, 2), ".."),
        ([1, 16, 40, 40], (3, 0, 2, 1), ".."),
        ([1, 1, 128, 1091], (3, 0, 2, 1), ".E"),
        ([1, 1, 129, 1091], (3, 0, 2, 1), "EE"),
        ([1, 16, 100, 1200], (3, 0, 1, 2), "EE"),
        ([2, 16, 2000], (2, 0, 1), ".E"),
        ([2, 16, 2000], (2, 1, 0), ".."),
        ([1, 16, 8, 40, 40], (0, 4, 1, 2, 3), ".E"),
        ([1, 160, 52, 1, 121], (4, 0, 1, 2, 3), ".E"),
        ([1, 30, 40, 1, 20], (4, 0, 1, 2, 3), ".."),
        ([1, 16, 8, 2048], (1, 0, 3, 2), ".E"),
        ([1, 16, 1, 1040], (1, 0, 3, 2), "EE"),
        ([1, 16, 4, 4096], (1, 0, 3, 2), ".E"),
        ([1, 16, 15, 1090], (1, 0, 3, 2), ".."),
        ([2, 1, 4097, 8], (0, 1, 3, 2), ".E"),
        ([2, 1, 4096, 8], (0, 1, 3, 2), ".."),
        ([2, 1, 6320, 16], (0, 1, 3, 2), ".."),
        ([2, 2, 6320, 8], (0, 1, 3, 2), ".."),
        ([8, 3, 1025, 2], (1, 0, 3, 2), ".E"),
        ([2, 1, 5000, 2], (1, 0, 3, 2), ".."),
    ],
)
def test_what_overflows_in_which_dtype(shape, order, levels, tmp_path):
    path = tmp_path / "turn.onnx"
    onnx.save(turn(shape, list(order)), path)
    for dtype, level in zip(("fp16", "int8"), levels, strict=True):
        codes = {
            found.code for found in check(path, "rk3588", dtype=dtype).findings if found.level is Level.ERROR
        }
        assert (CODE in codes) == (level == "E"), dtype


@pytest.mark.toolkit
@pytest.mark.parametrize(
    ("shape", "order"),
    [
        ([1, 1, 256, 2560], ORDERS[0]),
        pytest.param([1, 1, 256, 2560], ORDERS[1], marks=pytest.mark.slow),
        pytest.param([1, 1, 256, 2560], ORDERS[2], marks=pytest.mark.slow),
        pytest.param([1, 8, 16, 2048], ORDERS[0], marks=pytest.mark.slow),
        pytest.param([4, 1, 16, 2048], ORDERS[0], marks=pytest.mark.slow),
        ([1, 4, 256, 512], ORDERS[0]),
        ([1, 2, 513, 256], [0, 3, 1, 2]),
    ],
)
def test_trial(shape, order, bench, tmp_path):
    check_trial(bench, CODE, turn(shape, order), tmp_path)


@pytest.mark.parametrize(
    ("shape", "order"),
    [
        ([1, 1, 700, 1024], [0, 1, 3, 2]),
        ([1, 8, 256, 512], [3, 0, 1, 2]),
        ([1, 4, 91, 91], [0, 1, 3, 2]),
        ([1, 1, 256, 2560], [0, 3, 2, 1]),
        ([3, 256, 2560], [0, 2, 1]),
    ],
)
def test_what_converts_is_left_alone(shape, order):
    assert mended(CODE, turn(shape, order)) is None
