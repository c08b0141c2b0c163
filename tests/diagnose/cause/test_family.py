"""Factors: what is tried one by one, and what is drawn."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rkmend.diagnose.cause.family import Factor


@st.composite
def ordered(draw: st.DrawFn) -> tuple[Factor, int]:
    low = draw(st.integers(0, 50))
    factor = Factor("size", low, draw(st.integers(low, 5000)))
    return factor, draw(st.integers(low, factor.high))


@given(ordered())
def test_the_ladder_has_both_ends_and_both_neighbours_and_not_the_start(case):
    factor, start = case
    rungs = factor.ladder(start)
    assert start not in rungs and len(set(rungs)) == len(rungs) <= 7
    assert all(factor.low <= rung <= factor.high for rung in rungs)
    wanted = {
        factor.low,
        factor.high,
        *(near for near in (start - 1, start + 1) if factor.low <= near <= factor.high),
    }
    assert wanted - {start} <= set(rungs)


def test_what_lies_beyond_is_tried_but_never_drawn():
    factor = Factor("stride", 1, 1, beyond=(2, 3))
    assert factor.ladder(1) == [2, 3]
    assert {factor.draw(np.random.default_rng(seed)) for seed in range(20)} == {1}
    assert Factor("groups", choices=(1,), beyond=(1, 2)).ladder(1) == [2]


@given(ordered(), st.integers(0, 1000))
def test_draws_and_steps_stay_within_the_bounds(case, seed):
    factor, start = case
    random = np.random.default_rng(seed)
    assert factor.low <= factor.draw(random) <= factor.high
    stepped = factor.step(start, random)
    assert factor.low <= stepped <= factor.high and abs(stepped - start) <= 2


def test_small_sizes_are_drawn_as_often_as_large_ones():
    factor, random = Factor("width", 1, 4096), np.random.default_rng(0)
    small = sum(factor.draw(random) <= 64 for _ in range(2000))
    assert 900 < small < 1100  # half of the decades lie below 64; three standard deviations are 67


def test_choices():
    factor, random = Factor("after", choices=("none", "Relu")), np.random.default_rng(0)
    assert factor.ladder("none") == ["Relu"]
    assert (
        {factor.draw(random) for _ in range(20)}
        == {factor.step("none", random) for _ in range(20)}
        == {"none", "Relu"}
    )


def test_domains_in_words():
    assert str(Factor("width", 1, 1198)) == "1 to 1198"
    assert str(Factor("batch", 1, 1)) == "1"
    assert str(Factor("bias", choices=("no", "yes"))) == "no, yes"
