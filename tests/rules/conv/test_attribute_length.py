"""Strides and dilations for axes that are not there."""

from __future__ import annotations

import pytest

from one_operator import noise, one
from rule_bench import check_rewrite, check_trial, findings

CODE = "RKM112"
# `onnx.checker` refuses the model only where it infers shapes, and so does ONNX Runtime.
LONG = one("Conv", [1, 8, 16], {"w": noise([8, 8, 3])}, dilations=[1, 1], strides=[2, 1], pads=[1, 1])


def test_rewrite(tmp_path):
    check_rewrite(CODE, LONG, tmp_path)


@pytest.mark.toolkit
def test_trial(bench, tmp_path):
    check_trial(bench, CODE, LONG, tmp_path)


def test_as_many_as_there_are_axes(tmp_path):
    right = one("Conv", [1, 8, 16], {"w": noise([8, 8, 3])}, dilations=[1], strides=[2])
    assert not findings(CODE, right, tmp_path)
