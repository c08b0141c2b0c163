"""Convolutions and pooling over three spatial axes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from one_operator import check_same, mended, noise, one, whole
from rule_bench import rewrite_and_trial

CODE = "RKM102"
CUBE = [1, 4, 6, 8, 8]
BROKEN = {
    "max": one("MaxPool", CUBE, kernel_shape=[2, 3, 3], strides=[2, 2, 2], pads=[0, 1, 1, 0, 1, 1]),
    "mean": one("AveragePool", CUBE, kernel_shape=[3, 3, 3], pads=[1] * 6),
    "groups": one("Conv", CUBE, {"w": noise([6, 2, 3, 3, 3]), "b": noise([6])}, group=2),
    "multiplied": one("Conv", CUBE, {"w": noise([8, 1, 1, 3, 1])}, group=4),
    "dilated": one("Conv", CUBE, {"w": noise([4, 4, 3, 3, 3])}, dilations=[2, 1, 1]),
    "spread": one("ConvTranspose", CUBE, {"w": noise([4, 2, 3, 3, 3]), "b": noise([4])}, group=2),
}
FINE = {
    "conv": one("Conv", CUBE, {"w": noise([4, 4, 3, 3, 3])}, pads=[1] * 6),
    "depthwise": one("Conv", CUBE, {"w": noise([4, 1, 3, 3, 3])}, group=4),
    "mean": one("AveragePool", CUBE, kernel_shape=[2, 2, 2]),
    "plane": one("MaxPool", [1, 4, 8, 8], kernel_shape=[2, 2]),
}


test_rewrite, test_trial = rewrite_and_trial({name: (CODE, proto) for name, proto in BROKEN.items()})


@pytest.mark.parametrize("case", FINE)
def test_what_converts_is_left_alone(case):
    assert mended(CODE, FINE[case]) is None


@st.composite
def windows(draw):
    def axes(low, high):
        return draw(st.lists(st.integers(low, high), min_size=3, max_size=3))

    kernel, dilations = axes(1, 3), axes(1, 2)
    pads = [draw(st.integers(0, k - 1)) for k in kernel * 2]
    return {"kernel_shape": kernel, "strides": axes(1, 3), "dilations": dilations, "pads": pads}


@given(windows(), st.sampled_from([1, 2]), st.booleans())
@settings(max_examples=20, deadline=None)
def test_a_convolution_keeps_its_numbers(attributes, group, spread):
    kernel = attributes["kernel_shape"]
    op_type, weight = ("ConvTranspose", [4, 3, *kernel]) if spread else ("Conv", [2, 4 // group, *kernel])
    bias = whole([3 * group if spread else 2], 2)
    proto = one(op_type, [2, 4, 7, 6, 5], {"w": whole(weight, 1), "b": bias}, group=group, **attributes)
    assume(group > 1 or attributes["dilations"][0] > 1)
    assert check_same(CODE, proto)


@given(windows(), st.booleans(), st.booleans(), st.sampled_from(["MaxPool", "AveragePool"]))
@settings(max_examples=20, deadline=None)
def test_a_pooling_keeps_its_numbers(attributes, ceil, counted, op_type):
    if op_type == "AveragePool":
        attributes["count_include_pad"] = int(counted)
    proto = one(op_type, [2, 2, 7, 6, 5], opset=19, ceil_mode=int(ceil), **attributes)
    # Means of means: two roundings in place of one, of numbers up to 4.
    assume(check_same(CODE, proto, 0.0 if op_type == "MaxPool" else 4 * 8 * float(np.finfo(np.float32).eps)))
