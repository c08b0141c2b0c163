"""MaxPool with windows wider than the map, and means that count what lies beyond the padding."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from one_operator import check_same, mended, one
from rule_bench import rewrite_and_trial

CASES = {
    "pyramid": ("RKM104", one("MaxPool", [1, 16, 7, 7], kernel_shape=[9, 9], pads=[4] * 4)),
    "line": ("RKM104", one("MaxPool", [1, 16, 7], kernel_shape=[9], pads=[4, 4])),
    "stride": (
        "RKM104",
        one("MaxPool", [1, 16, 8, 20], kernel_shape=[9, 3], pads=[4, 1] * 2, strides=[2, 1]),
    ),
    "mean": (
        "RKM108",
        one(
            "AveragePool",
            [1, 4, 6, 6],
            kernel_shape=[3, 3],
            strides=[2, 2],
            pads=[1] * 4,
            ceil_mode=1,
            count_include_pad=1,
        ),
    ),
}


test_rewrite, test_trial = rewrite_and_trial(CASES)


@pytest.mark.parametrize(
    "proto",
    [
        one("MaxPool", [1, 16, 7, 7], kernel_shape=[13, 13], pads=[6] * 4),  # each window sees all
        one("MaxPool", [1, 16, 9, 9], kernel_shape=[9, 9], pads=[4] * 4),
        one("AveragePool", [1, 4, 6, 6], kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4, ceil_mode=1),
    ],
)
def test_what_converts_is_left_alone(proto):
    assert mended("RKM104", proto) is None
    assert mended("RKM108", proto) is None


def pool(op_type, axes, data, **attributes):
    """Along axes (size, kernel, stride), with padding as it comes."""
    sizes, kernel, strides = zip(*axes, strict=True)
    pads = [data.draw(st.integers(0, k - 1)) for k in kernel * 2]
    outer = [n + pads[i] + pads[len(axes) + i] - k + 1 for i, (n, k, _) in enumerate(axes)]
    assume(min(outer) > 0)
    return one(op_type, [2, 3, *sizes], kernel_shape=kernel, strides=strides, pads=pads, **attributes)


@given(
    st.lists(
        st.tuples(st.integers(1, 8), st.integers(2, 12), st.integers(1, 3)),
        min_size=1,
        max_size=2,
    ),
    st.booleans(),
    st.data(),
)
@settings(max_examples=40, deadline=None)
def test_smaller_windows_see_the_same(axes, ceil, data):
    proto = pool("MaxPool", axes, data, ceil_mode=int(ceil))
    assume(check_same("RKM104", proto))


@given(
    st.lists(st.tuples(st.integers(3, 9), st.integers(2, 4), st.integers(1, 4)), min_size=1, max_size=2),
    st.data(),
)
@settings(max_examples=20, deadline=None)
def test_means_of_what_counts(axes, data):
    proto = pool("AveragePool", axes, data, ceil_mode=1, count_include_pad=1)
    # One rounding more, of numbers up to 4 times the factor.
    assume(check_same("RKM108", proto, 4 * 16 * float(np.finfo(np.float32).eps)))
