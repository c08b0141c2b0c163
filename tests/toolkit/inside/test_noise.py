"""Differences that fp16 makes, and differences that it does not."""

from __future__ import annotations

import json

import numpy as np
import pytest

from rkmend.toolkit.inside.noise import MOST, measure
from rkmend.toolkit.tolerance import FP16

RNG = np.random.default_rng(0)
WANT = RNG.standard_normal((1, 8, 16, 16)).astype(np.float32)
NOISE = np.abs(RNG.standard_normal(WANT.shape)).astype(np.float32) * 0.05


def worst(found) -> float:
    return max(found["ratio"], found["peak"])


def test_noise_is_noise():
    found = measure(WANT, WANT + NOISE, {"noise": NOISE})
    assert worst(found) <= 1 and found["share"] == pytest.approx(0.05, rel=0.1)


@pytest.mark.parametrize(
    "break_",
    [
        lambda got: got[:, 3].fill(0),  # a channel that comes out zero
        lambda got: got[..., -1].fill(0),  # a column
        lambda got: got[0, 0, 0].fill(5),  # a row
    ],
)
def test_what_is_broken_is_not_noise(break_):
    got = WANT + NOISE
    break_(got)
    assert worst(measure(WANT, got, {"noise": NOISE})) > FP16.noise_factor


def test_where_fp16_overflows_it_explains_nothing():
    found = measure(WANT, WANT + 1, {"noise": np.full_like(WANT, np.inf)})
    assert worst(found) > FP16.noise_factor


def test_integers_are_exact_but_for_what_rounding_was_seen_to_move():
    want, got = np.array([3000, 4000, 5000]), np.array([3000, 4000, 5001])
    assert worst(measure(want, got, {"noise": np.array([0, 0, 1])})) <= FP16.noise_factor
    assert worst(measure(want, got, {"noise": np.zeros(3)})) > FP16.noise_factor


def chosen(values, picks, noise):
    want = values.argmax(axis=1)
    got = want.copy()
    got.flat[: len(picks)] = picks
    return measure(want, got, {"values": values, "noise": np.full_like(values, noise)})


VALUES = np.array([[[1.0], [0.999], [0.2]], [[0.3], [0.9], [0.1]]], np.float32)


def test_a_near_tie_may_fall_either_way_and_nothing_else_may():
    assert chosen(VALUES, [1], 0.001)["ratio"] <= FP16.noise_factor
    assert chosen(VALUES, [2], 0.001)["ratio"] > FP16.noise_factor
    assert chosen(VALUES, [1], 0.0)["ratio"] > FP16.noise_factor


def test_an_index_that_does_not_exist_is_wrong():
    assert chosen(VALUES, [7], 10.0)["ratio"] == MOST


def test_a_comparison_may_fall_either_way_where_both_sides_are_near():
    margins = np.array([1e-4, 0.5], np.float32)
    want = margins > 0
    known = {"values": margins, "noise": np.full(2, 1e-3, np.float32)}
    assert worst(measure(want, np.array([False, True]), known)) <= FP16.noise_factor
    assert worst(measure(want, np.array([True, False]), known)) > FP16.noise_factor


def test_json_can_hold_it():
    found = measure(WANT, np.full_like(WANT, np.nan), {"noise": NOISE})
    assert "NaN" not in json.dumps(found) and "Infinity" not in json.dumps(found)
