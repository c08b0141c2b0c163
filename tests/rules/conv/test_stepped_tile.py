from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from one_operator import mended, noise, one
from rkmend.rules.conv.stepped_tile import _widened
from rkmend.targets import load_target
from rkmend.tiling.conv import Axis
from rule_bench import rewrite_and_trial

CASES = {
    "one-row": (
        "RKM123",
        one("Conv", [1, 812, 1, 100], {"w": noise([64, 812, 3, 3])}, strides=[6, 6], pads=[1, 2, 1, 0]),
    ),
    "depthwise": (
        "RKM123",
        one(
            "Conv",
            [1, 210, 40, 32],
            {"w": noise([210, 1, 4, 1])},
            group=210,
            strides=[5, 6],
            dilations=[12, 12],
        ),
    ),
}

test_rewrite, test_trial = rewrite_and_trial(CASES)


@pytest.mark.parametrize(
    ("shape", "weight", "attributes", "target", "fails"),
    [
        ([1, 812, 1, 970], [64, 812, 3, 3], {"strides": [5, 5], "pads": [1, 2, 1, 0]}, "rk3588", False),
        ([1, 812, 1, 970], [64, 812, 3, 3], {"strides": [6, 6], "pads": [1, 0, 1, 0]}, "rk3588", False),
        ([1, 700, 1, 970], [64, 700, 3, 3], {"strides": [6, 6], "pads": [1, 2, 1, 0]}, "rk3588", False),
        ([1, 400, 1, 970], [64, 400, 3, 3], {"strides": [6, 6], "pads": [1, 2, 1, 0]}, "rk3588", False),
        ([1, 96, 14, 574], [512, 96, 3, 3], {"strides": [10, 10], "pads": [0, 0, 2, 1]}, "rk3588", True),
        ([1, 96, 14, 639], [16, 96, 3, 3], {"strides": [5, 5]}, "rk3588", False),  # a single group of kernels
        ([1, 128, 14, 574], [64, 128, 3, 3], {"strides": [10, 10]}, "rk3588", False),
        ([1, 652, 5, 112], [16, 652, 3, 3], {"strides": [5, 5], "pads": [0, 1, 0, 0]}, "rk3588", True),  # inner tile
        ([1, 513, 7, 107], [55, 513, 7, 1], {"strides": [2, 2], "pads": [1, 0, 9, 0]}, "rk3588", True),
        ([1, 53, 3, 1390], [123, 53, 3, 3], {"strides": [7, 7], "pads": [4, 0, 1, 0]}, "rk3588", True),
        ([1, 640, 9, 112], [640, 1, 3, 3], {"strides": [7, 7], "pads": [0, 3, 2, 2], "group": 640}, "rk3588", True),
        ([1, 768, 9, 112], [768, 1, 3, 3], {"strides": [7, 5], "pads": [0, 3, 2, 2], "group": 768}, "rk3588", False),
        ([1, 768, 9, 112], [768, 1, 3, 3], {"strides": [1, 7], "pads": [0, 3, 2, 2], "group": 768}, "rk3588", False),
        ([1, 208, 45, 32], [208, 1, 4, 1], {"strides": [1, 6], "dilations": [12, 12], "group": 208}, "rk3588", True),
        ([1, 208, 46, 32], [208, 1, 4, 1], {"strides": [1, 6], "dilations": [12, 12], "group": 208}, "rk3588", False),
        ([1, 96, 10, 449], [42, 32, 4, 4], {"strides": [7, 7], "group": 3}, "rk3588", False),  # one by one
        ([1, 2453, 15, 52], [160, 2453, 1, 1], {"strides": [2, 2], "pads": [0, 0, 0, 1]}, "rk3562", True),
        ([1, 2453, 15, 52], [160, 2453, 1, 1], {"strides": [3, 3], "pads": [0, 0, 0, 1]}, "rk3562", False),
        ([1, 2453, 15, 52], [160, 2453, 1, 1], {"strides": [2, 2], "pads": [0, 0, 0, 1]}, "rk3566", False),
    ],
)  # fmt: skip
def test_where_the_tiles_overreach(shape, weight, attributes, target, fails):
    """As trials ended, those on either side of each limit."""
    proto = one("Conv", shape, {"w": np.zeros(weight, np.float32)}, **attributes)
    assert (mended("RKM123", proto, load_target(target)) is not None) is fails


PADS = st.integers(0, 4)
AXES = st.builds(
    Axis, st.integers(5, 30), st.integers(1, 4), st.integers(1, 10), st.integers(1, 3), PADS, PADS
)


@given(AXES.filter(lambda axis: axis.outputs > 0))
@settings(max_examples=100, deadline=None)
def test_a_wider_kernel_has_the_same_outputs(axis):
    wide = _widened(axis)
    assert wide.outputs == axis.outputs and wide.pad_begin == axis.pad_begin
    assert wide.extent >= min(axis.stride, 7) or wide.extent * 2 >= axis.stride
