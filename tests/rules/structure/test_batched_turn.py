"""Batches of matrices that are turned, taken apart."""

from __future__ import annotations

import onnx
import pytest

from one_operator import mended, noise, one
from rkmend.checking import check
from rkmend.rules.base import Level
from rule_bench import check_trial, rewrite_and_trial

CODE = "RKM263"


def turn(shape: list[int], order: list[int]) -> onnx.ModelProto:
    return one("Transpose", shape, perm=order)


def product(left: list[int], right: list[int]) -> onnx.ModelProto:
    return one("MatMul", left, {"w": noise(right)})


CASES = {
    "transpose": (CODE, turn([2, 9, 1719], [0, 2, 1])),
    "rows": (CODE, product([8, 1156, 16], [8, 16, 28])),
    "sums": (CODE, product([2, 20, 1160], [2, 1160, 30])),
    "two-batches": (CODE, product([2, 2, 1030, 8], [2, 2, 8, 6])),
    "one-matrix": (CODE, one("MatMul", [2, 20, 1160], more={"z": [1160, 30]})),
}
test_rewrite, test_trial = rewrite_and_trial(CASES, ["transpose", "rows", "sums"])


# What 2.3.2 does: E overflows a register, . does not; fp16, then int8.
@pytest.mark.parametrize(
    ("model", "levels"),
    [
        (turn([2, 283, 1024], [0, 2, 1]), ".."),
        (turn([2, 283, 1025], [0, 2, 1]), "EE"),
        (turn([1, 283, 1719], [0, 2, 1]), ".."),
        (turn([2, 8, 1128], [0, 2, 1]), ".E"),
        (turn([2, 16, 1136], [0, 2, 1]), ".."),
        (turn([2, 13, 8200], [0, 2, 1]), ".E"),
        (turn([2, 13, 16390], [0, 2, 1]), ".."),
        (turn([2, 8, 7, 1617], [0, 3, 2, 1]), ".E"),
        (turn([2, 5, 15, 1090], [0, 3, 2, 1]), ".."),
        (turn([3, 1, 1616], [0, 2, 1]), ".."),
        (turn([2, 12, 1, 2, 1616], [0, 4, 2, 3, 1]), "EE"),
        (product([8, 1160, 8], [8, 8, 32]), ".E"),
        (product([1, 8, 1156, 32], [1, 8, 32, 28]), ".."),
        (product([2, 2, 1156, 32], [2, 2, 32, 28]), "EE"),
        (product([8, 1156, 32], [32, 28]), ".."),
        (product([2, 2000, 1], [2, 1, 30]), ".."),
        (product([2, 2000, 30], [2, 30, 1]), ".."),
        (one("MatMul", [8, 1156, 32], more={"z": [8, 32, 28]}), ".."),
    ],
)
def test_what_overflows_in_which_dtype(model, levels, tmp_path):
    path = tmp_path / "model.onnx"
    onnx.save(model, path)
    for dtype, level in zip(("fp16", "int8"), levels, strict=True):
        found = check(path, "rk3588", dtype=dtype).findings
        errors = {one.code for one in found if one.level is Level.ERROR}
        assert (CODE in errors) == (level == "E"), dtype


@pytest.mark.toolkit
@pytest.mark.slow
@pytest.mark.parametrize("case", ["two-batches", "one-matrix"])
def test_other_trials(case, bench, tmp_path):
    check_trial(bench, *CASES[case], tmp_path)


def test_maps_are_refused():
    assert mended(CODE, turn([3, 8, 2, 1617], [0, 3, 2, 1])) is None
