"""RKM220: Max of one tensor."""

from __future__ import annotations

import pytest
from graphs import model, node, value

from rule_bench import check_rewrite, check_trial, findings

CODE = "RKM220"


def maximum(operands: str, shape=(3,)):
    inputs = [value(name, shape) for name in dict.fromkeys(operands.split())]
    return model([node("Max", operands, "y", "max")], inputs, [value("y", shape)])


@pytest.mark.parametrize("shape", [(3,), (1, 8, 6, 6)])
def test_rewrite(shape, tmp_path):
    check_rewrite(CODE, maximum("x", shape), tmp_path)


@pytest.mark.toolkit
def test_trial(bench, tmp_path):
    check_trial(bench, CODE, maximum("x"), tmp_path)


def test_two_operands(tmp_path):
    assert not findings(CODE, maximum("x z"), tmp_path)
