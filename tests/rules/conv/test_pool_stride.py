"""Pooling with strides that do not fit into the register of a Conv."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from one_operator import check_same, mended, one
from rule_bench import rewrite_and_trial

CODE = "RKM113"
LONG = {
    "largest": one("MaxPool", [1, 8, 40, 40], kernel_shape=[2, 2], strides=[9, 1], pads=[1] * 4),
    "mean": one(
        "AveragePool", [1, 8, 40, 40], kernel_shape=[3, 5], strides=[2, 11], pads=[1] * 4, count_include_pad=1
    ),
    "one output": one("MaxPool", [1, 8, 1, 1], kernel_shape=[1, 6], strides=[9, 9], pads=[0, 5, 0, 5]),
}

test_rewrite, test_trial = rewrite_and_trial({name: (CODE, proto) for name, proto in LONG.items()})


@pytest.mark.parametrize("stride", [7, 8, 9, 10, 12, 15])
def test_strides_that_convert_are_left_alone(stride):
    assert mended(CODE, one("MaxPool", [1, 8, 60, 60], kernel_shape=[3, 3], strides=[stride] * 2)) is None


def test_what_the_cpu_does_is_left_alone():
    proto = one("AveragePool", [1, 8, 40, 40], kernel_shape=[5, 5], strides=[9, 9], pads=[2] * 4)
    assert mended(CODE, proto) is None


@pytest.mark.parametrize("pads", [[2, 2, 0, 0], [0, 0, 2, 2]])
def test_one_output_whatever_the_stride_is_left_alone(pads):
    proto = one("MaxPool", [1, 8, 5, 5], kernel_shape=[7, 7], strides=[9, 9], pads=pads)
    assert mended(CODE, proto) is None


@given(
    st.sampled_from(["MaxPool", "AveragePool"]),
    st.lists(
        st.tuples(st.integers(12, 60), st.integers(1, 8), st.sampled_from([1, 11, 13])),
        min_size=2,
        max_size=2,
    ),
    st.data(),
)
@settings(max_examples=20, deadline=None)
def test_every_nth_is_the_same(operator, axes, data):
    sizes, kernel, strides = zip(*axes, strict=True)
    assume(max(strides) > 1)
    pads = [data.draw(st.integers(0, k - 1)) for k in kernel * 2]
    more = {"count_include_pad": 1} if operator == "AveragePool" else {}
    proto = one(operator, [1, 3, *sizes], kernel_shape=kernel, strides=strides, pads=pads, **more)
    outputs = [(n + pads[i] + pads[2 + i] - k) // s + 1 for i, (n, k, s) in enumerate(axes)]
    assume(any(s > 1 and n > 1 for s, n in zip(strides, outputs, strict=True)))
    assert check_same(CODE, proto, 1e-5)  # means are of up to 64 whole numbers, divided in float32
