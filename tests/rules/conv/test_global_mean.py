"""Averages that the toolkit takes for global ones."""

from __future__ import annotations

import pytest

from one_operator import mended, one
from rule_bench import rewrite_and_trial


def pool(kernel, pads, strides, **more):
    return one("AveragePool", [1, 8, 5, 5], kernel_shape=kernel, pads=pads, strides=strides, **more)


CASES = {
    "padding does not count": ("RKM124", pool([5, 5], [2, 2, 2, 2], [9, 9])),
    "padding counts": ("RKM124", pool([5, 5], [2, 2, 2, 2], [5, 5], count_include_pad=1)),
    "one axis": ("RKM124", pool([5, 5], [2, 0, 2, 0], [6, 1])),
}
test_rewrite, test_trial = rewrite_and_trial(CASES)


# Right in the simulator of 2.3.2.
@pytest.mark.parametrize(
    "proto",
    [
        pool([5, 5], [2] * 4, [4, 4]),
        pool([5, 5], [0, 0, 4, 4], [9, 9]),
        pool([6, 6], [2] * 4, [9, 9]),
        pool([5, 3], [2, 1, 2, 1], [9, 9]),
        pool([7, 7], [1] * 4, [9, 9]),
    ],
)
def test_others_are_left_alone(proto):
    assert mended("RKM124", proto) is None
