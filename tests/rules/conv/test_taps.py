"""Convs whose kernel is cut into parts: windows beyond the buffer, dilated kernels that are too large."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from one_operator import check_same, mended, noise, one, whole
from rkmend.targets import load_target
from rule_bench import rewrite_and_trial

BEYOND = one(
    "Conv", [1, 64, 28, 28], {"w": noise([64, 1, 7, 7]), "b": noise([64])}, dilations=[20, 20], pads=[60] * 4, group=64
)  # fmt: skip
TALL = one("Conv", [1, 4, 80, 20], {"w": noise([4, 4, 33, 1])}, dilations=[2, 1])

WHOLE = one("Conv", [1, 58, 14, 14], {"w": noise([24, 58, 10, 10])}, dilations=[18, 18], pads=[81] * 4)
RK3576 = load_target("rk3576")

test_rewrite, test_trial = rewrite_and_trial({"beyond": ("RKM116", BEYOND), "tall": ("RKM117", TALL)})

test_rewrite_of_rk3576, test_trial_of_rk3576 = rewrite_and_trial(
    {"whole": ("RKM116", WHOLE)}, target=RK3576, hangs=True
)


@pytest.mark.parametrize(
    ("outputs", "kernel", "dilation", "groups", "size", "converts"),
    [
        (16, 8, 20, 1, 30, True),
        (16, 9, 18, 1, 30, False),
        (16, 9, 18, 2, 30, False),
        (16, 9, 18, 16, 30, True),  # depth-wise
        (16, 9, 18, 1, 1, False),
        (16, 20, 7, 1, 30, True),
        (16, 23, 6, 1, 30, False),  # beside three banks of weights
        (8, 23, 6, 1, 30, True),
    ],
)
def test_windows_of_rk3576(outputs, kernel, dilation, groups, size, converts):
    """As trials ended."""
    pad = (kernel - 1) * dilation // 2
    weights = {"w": noise([outputs, 16 // groups, kernel, kernel])}
    proto = one("Conv", [1, 16, size, size], weights, dilations=[dilation] * 2, pads=[pad] * 4, group=groups)
    assert (mended("RKM116", proto, RK3576) is None) is converts


@pytest.mark.parametrize(
    ("target", "dtype", "channels", "dilation", "converts"),
    [
        ("rk3562", "fp16", 859, 19, True),
        ("rk3562", "fp16", 64, 20, True),
        ("rk3562", "fp16", 16, 21, False),
        ("rk3562", "int8", 16, 21, True),
        ("rk3562", "int8", 96, 22, False),
        ("rk3566", "fp16", 859, 19, True),
        ("rk3566", "fp16", 859, 22, False),
        ("rk3588", "fp16", 64, 18, True),
        ("rk3588", "fp16", 64, 19, False),
        ("rk3588", "int8", 64, 19, False),
    ],
)
def test_depthwise_windows(target, dtype, channels, dilation, converts):
    """As trials ended, those on either side of each limit."""
    weights = {"w": noise([channels, 1, 5, 5])}
    pads = [2 * dilation] * 4
    proto = one("Conv", [1, channels, 7, 7], weights, dilations=[dilation] * 2, pads=pads, group=channels)
    assert (mended("RKM116", proto, load_target(target).computing_in(dtype)) is None) is converts


@pytest.mark.parametrize(
    "proto",
    [
        one("Conv", [1, 64, 56, 56], {"w": noise([64, 64, 3, 3])}, dilations=[18, 18], pads=[18] * 4),
        one("Conv", [1, 8, 80, 80], {"w": noise([8, 8, 33, 33])}),
        one("Conv", [1, 8, 80, 80], {"w": noise([8, 8, 31, 1])}, dilations=[2, 1]),
    ],
)
def test_what_converts_is_left_alone(proto):
    assert mended("RKM116", proto) is None
    assert mended("RKM117", proto) is None


@given(
    st.tuples(st.integers(32, 70), st.integers(2, 3), st.integers(1, 3)),
    st.tuples(st.integers(1, 40), st.integers(1, 2), st.integers(1, 2)),
    st.tuples(st.integers(90, 220), st.integers(60, 90)),
    st.lists(st.integers(0, 12), min_size=4, max_size=4),
    st.sampled_from([1, 2]),
)
@settings(max_examples=20, deadline=None)
def test_pieces_give_the_same_numbers(rows, cols, sizes, pads, group):
    (kernel_h, dilation_h, stride_h), (kernel_w, dilation_w, stride_w) = rows, cols
    assume(sizes[0] + pads[0] + pads[2] > (kernel_h - 1) * dilation_h)
    assume(sizes[1] + pads[1] + pads[3] > (kernel_w - 1) * dilation_w)
    weights = {"w": whole([2, 4 // group, kernel_h, kernel_w], 1, 1), "b": whole([2], 2)}
    windows = {"dilations": [dilation_h, dilation_w], "strides": [stride_h, stride_w], "pads": pads}
    assert check_same("RKM117", one("Conv", [1, 4, *sizes], weights, group=group, **windows))
