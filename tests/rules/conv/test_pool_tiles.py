"""Pooling whose last tile overflows, on rk3576: the mend. Which ones these are, `test_pool_window` says."""

from __future__ import annotations

from one_operator import one
from rkmend.targets import load_target
from rule_bench import rewrite_and_trial

CASES = {
    "in two steps": ("RKM120", one("MaxPool", [1, 24, 20, 96], kernel_shape=[5, 7])),
    "padded": ("RKM120", one("MaxPool", [1, 8, 20, 122], kernel_shape=[7, 7], pads=[3, 1, 3, 0])),
    "strided": ("RKM120", one("MaxPool", [1, 8, 20, 131], kernel_shape=[3, 3], strides=[2, 1])),
    "large": ("RKM120", one("MaxPool", [1, 8, 16, 71], kernel_shape=[9, 9], pads=[1] * 4)),
    "of 3x3": ("RKM120", one("MaxPool", [1, 8, 9, 265], kernel_shape=[3, 3])),
}
test_rewrite, test_trial = rewrite_and_trial(CASES, target=load_target("rk3576"))
