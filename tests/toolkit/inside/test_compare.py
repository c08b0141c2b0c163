"""The numbers behind every verdict about numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from rkmend.toolkit.inside.compare import compare, missing

FLOATS = arrays.arrays(np.float32, (1, 3, 4, 5), elements=st.floats(-100, 100, width=32))


def check(reference, got):
    return compare(np.asarray(reference), np.asarray(got), output="y", sample="s")


@given(FLOATS)
def test_an_array_agrees_with_itself(array):
    found = check(array, array)
    assert found["shape_ok"] and found["finite"]
    assert found["max_abs"] == found["max_rel"] == 0.0
    # float64 sums of squares: equal up to their own rounding
    assert found["cosine"] == pytest.approx(1.0, abs=1e-12)


@given(FLOATS, st.floats(0.5, 50))
def test_the_largest_difference_is_found(array, by):
    other = array.astype(np.float64).copy()
    other[0, 1, 2, 3] += by
    # the sum array + by is rounded once in float64
    assert check(array, other)["max_abs"] == pytest.approx(by, rel=1e-9)


def test_a_dead_channel_does_not_hide_in_a_large_tensor():
    rng = np.random.default_rng(0)
    boxes = rng.standard_normal((1, 80, 100)).astype(np.float32)
    boxes[:, 40] *= 0.5
    dead = boxes.copy()
    dead[:, 40] = 0
    found = check(boxes, dead)
    assert found["cosine"] > 0.99
    assert found["worst_channel_cosine"] == 0.0


def test_channels_without_energy_do_not_count():
    signal = np.ones((1, 3, 8), np.float32)
    signal[:, 2] = 1e-6
    noisy = signal.copy()
    noisy[:, 2] = -1e-6
    assert check(signal, noisy)["worst_channel_cosine"] == pytest.approx(1.0, abs=1e-9)


def test_two_zero_arrays_agree_and_one_does_not():
    zeros, ones = np.zeros((2, 2)), np.ones((2, 2))
    assert check(zeros, zeros)["cosine"] == 1.0
    assert check(ones, zeros)["cosine"] == 0.0


def test_nan_in_other_places_is_said():
    plain = np.ones(4, np.float32)
    broken = plain.copy()
    broken[1] = np.nan
    assert not check(plain, broken)["finite"]
    assert check(broken, broken)["finite"]


def test_another_shape_is_no_agreement_but_axes_of_one_are():
    assert not check(np.ones((2, 3)), np.ones((3, 2)))["shape_ok"]
    assert check(np.float32(3.0), np.array([3.0], np.float32))["shape_ok"]
    assert not missing(np.ones(3), output="y", sample="s")["shape_ok"]


def test_what_is_missing_is_reported_in_finite_numbers():
    found = missing(np.array([1.0, -np.inf, np.nan, -3.0]), output="y", sample="s")
    assert (found["max_abs"], found["reference_max"]) == (3.0, 3.0)
