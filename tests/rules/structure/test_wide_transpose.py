"""Transposes that turn wide maps, in two steps."""

from __future__ import annotations

import onnx
import pytest

from one_operator import mended, one
from rule_bench import check_rewrite, check_trial

CODE = "RKM258"
ORDERS = ([0, 1, 3, 2], [3, 0, 1, 2], [3, 0, 2, 1])


def turn(shape: list[int], order: list[int]) -> onnx.ModelProto:
    return one("Transpose", shape, perm=order)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("shape", [[1, 1, 3, 1040], [2, 3, 5, 2000], [1, 4, 95, 96]])
def test_rewrite(shape, order, tmp_path):
    check_rewrite(CODE, turn(shape, order), tmp_path)


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
    ],
)
def test_trial(shape, order, bench, tmp_path):
    check_trial(bench, CODE, turn(shape, order), tmp_path)


@pytest.mark.parametrize(
    ("shape", "order"),
    [
        ([1, 1, 700, 1024], [0, 1, 3, 2]),
        ([1, 8, 256, 512], [3, 0, 1, 2]),
        ([1, 1, 256, 2560], [0, 3, 2, 1]),
        ([3, 256, 2560], [0, 2, 1]),
    ],
)
def test_what_converts_is_left_alone(shape, order):
    assert mended(CODE, turn(shape, order)) is None
