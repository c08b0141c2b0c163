"""MaxPool with windows wider than the map, and means that count what lies beyond the padding."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from one_operator import check_same, mended, one
from rkmend.checking import check
from rule_bench import rewrite_and_trial

CASES = {
    "pyramid": ("RKM104", one("MaxPool", [1, 16, 7, 7], kernel_shape=[9, 9], pads=[4] * 4)),
    "line": ("RKM104", one("MaxPool", [1, 16, 7], kernel_shape=[9], pads=[4, 4])),
    "several steps": (  # of larger ones than 8 the toolkit would make several of one name
        "RKM104",
        one("MaxPool", [1, 16, 26, 26], kernel_shape=[34, 34], pads=[16] * 4, strides=[3, 3]),
    ),
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
    "a mean too many": (
        "RKM108",
        one("AveragePool", [1, 8, 20, 20], kernel_shape=[3, 3], strides=[6, 6], pads=[1] * 4, ceil_mode=1),
    ),
    "one too many": (
        "RKM108",
        one("MaxPool", [1, 8, 20, 20], kernel_shape=[5, 5], strides=[4, 4], pads=[4] * 4, ceil_mode=1),
    ),
}


test_rewrite, test_trial = rewrite_and_trial(CASES)


@pytest.mark.parametrize(
    "proto",
    [
        one("MaxPool", [1, 16, 7, 7], kernel_shape=[13, 13], pads=[6] * 4),  # each window sees all
        one("MaxPool", [1, 16, 9, 9], kernel_shape=[9, 9], pads=[4] * 4),
        one("AveragePool", [1, 4, 6, 6], kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4, ceil_mode=1),
        one("MaxPool", [1, 8, 20, 20], kernel_shape=[3, 3], strides=[6, 6], pads=[1] * 4, ceil_mode=1),
    ],
)
def test_what_converts_is_left_alone(proto):
    assert mended("RKM104", proto) is None
    assert mended("RKM108", proto) is None


@st.composite
def axis(draw, sizes, kernels, strides):
    """Size, kernel, stride and padding at either end, as they come."""
    size, kernel, stride = draw(sizes), draw(kernels), draw(strides)
    begin, end = draw(st.integers(0, kernel - 1)), draw(st.integers(0, kernel - 1))
    assume(size + begin + end >= kernel)
    return size, kernel, stride, begin, end


@st.composite
def reaching(draw):
    """An axis whose last window begins before its end and reaches beyond its padding, by `stride - rest`."""
    stride = draw(st.integers(2, 4))
    rest = draw(st.integers(1, stride - 1))
    kernel = draw(st.integers(max(2, stride - rest + 1), 5))
    begin, end = draw(st.integers(0, kernel - 1)), draw(st.integers(0, kernel - 1 - stride + rest))
    fewest = -((kernel + rest - begin - end - 3) // stride)  # whole strides, for a size of 3 at least
    strides = draw(st.integers(max(0, fewest), max(0, fewest) + 2))
    return kernel + stride * strides + rest - begin - end, kernel, stride, begin, end


def pool(op_type, axes, **attributes):
    sizes, kernel, strides, begins, ends = zip(*axes, strict=True)
    pads = [*begins, *ends]
    return one(op_type, [2, 3, *sizes], kernel_shape=kernel, strides=strides, pads=pads, **attributes)


@given(
    st.lists(axis(st.integers(1, 8), st.integers(2, 12), st.integers(1, 3)), min_size=1, max_size=2),
    st.booleans(),
)
@settings(max_examples=40, deadline=None)
def test_smaller_windows_see_the_same(axes, ceil):
    proto = pool("MaxPool", axes, ceil_mode=int(ceil))
    assume(check_same("RKM104", proto))


@given(
    reaching(),
    st.lists(axis(st.integers(3, 9), st.integers(2, 4), st.integers(1, 4)), max_size=1),
    st.booleans(),
)
@settings(max_examples=20, deadline=None)
def test_means_of_what_counts(first, others, turned):
    axes = [*others, first] if turned else [first, *others]
    proto = pool("AveragePool", axes, ceil_mode=1, count_include_pad=1)
    # One rounding more, of numbers up to 4 times the factor.
    assert check_same("RKM108", proto, 4 * 16 * float(np.finfo(np.float32).eps))


@pytest.mark.parametrize(
    ("size", "kernel", "levels"),
    [
        ([32, 71], 13, ["warning", "warning"]),
        ([6, 6], 3, ["error", "error"]),
        ([895, 40], 4, ["error", "warning"]),
    ],
)
def test_means_that_are_hardly_too_small_are_a_warning(size, kernel, levels, tmp_path):
    path = tmp_path / "pool.onnx"
    more = {"strides": [2, 2] if kernel != 4 else [2, 1], "ceil_mode": 1, "count_include_pad": 1}
    more |= {"pads": [1] * 4} if kernel == 3 else {}
    onnx.save(one("AveragePool", [1, 4, *size], kernel_shape=[kernel, kernel], **more), path)
    found = [check(path, "rk3588", dtype=dtype).findings for dtype in ("fp16", "int8")]
    assert [next(f.level.value for f in each if f.code == "RKM108") for each in found] == levels
