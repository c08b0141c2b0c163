"""Learning a predicate from samples whose rule is known."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rkmend.diagnose.cause.family import Feature
from rkmend.diagnose.cause.predicate import MOST_ATOMS, Atom, Predicate, Sample, learn

NAMES = tuple("abcdef")
FEATURES = [Feature(name, lambda point, name=name: float(point[name])) for name in NAMES]
MANY = 240
"""Samples: with three thresholds that each let half of them through one in eight fails, 30."""


def samples(rule: Predicate, seed: int, number: int = MANY, noise: float = 0.0) -> list[Sample]:
    """Half of them near the rule: moved so that they meet all conditions but one, as the explainer draws them."""
    random = np.random.default_rng(seed)
    found = []
    for index in range(number):
        features = dict(zip(NAMES, map(float, random.integers(0, 16, len(NAMES))), strict=True))
        if index % 2:
            spared = random.integers(len(rule.atoms))
            for position, atom in enumerate(rule.atoms):
                if position != spared:
                    away = float(random.integers(0, 2))
                    features[atom.feature] = atom.value + (away if atom.at_least else -away)
        found.append(Sample(features, rule(features) != (random.random() < noise)))
    return found


@st.composite
def rules(draw: st.DrawFn) -> Predicate:
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True))
    return Predicate(
        tuple(Atom(name, draw(st.booleans()), float(draw(st.integers(5, 10)))) for name in names)
    )


def agreement(learned: Predicate, rule: Predicate) -> float:
    fresh = samples(rule, 1_000_003, 1000)
    return sum(learned(sample.features) == sample.failed for sample in fresh) / len(fresh)


@settings(max_examples=25, deadline=None)
@given(rules(), st.integers(0, 10**6))
def test_planted_thresholds_are_found(rule, seed):
    learned = learn(samples(rule, seed), FEATURES)
    assert {(atom.feature, atom.at_least) for atom in learned.atoms} == {
        (atom.feature, atom.at_least) for atom in rule.atoms
    }
    values = {atom.feature: atom.value for atom in learned.atoms}
    # The tightest value that fails among 240 samples of 16 values each is no more than 2 from the planted one.
    assert all(abs(values[atom.feature] - atom.value) <= 2 for atom in rule.atoms)
    assert agreement(learned, rule) >= 0.95


@settings(max_examples=15, deadline=None)
@given(rules(), st.integers(0, 10**6))
def test_a_few_wrong_labels_do_no_harm(rule, seed):
    learned = learn(samples(rule, seed, noise=0.03), FEATURES)
    assert agreement(learned, rule) >= 0.9  # against labels without noise; 0.95 without noise in training


@given(st.lists(st.tuples(*[st.integers(-3, 3)] * len(NAMES)), max_size=12), st.booleans())
def test_one_sided_samples_give_an_empty_predicate(rows, failed):
    found = [Sample(dict(zip(NAMES, map(float, row), strict=True)), failed) for row in rows]
    assert learn(found, FEATURES) == Predicate(())


@given(st.lists(st.tuples(st.booleans(), *[st.integers(-3, 3)] * len(NAMES)), max_size=30))
def test_any_samples_give_a_short_predicate_no_worse_than_none(rows):
    found = [Sample(dict(zip(NAMES, map(float, row), strict=True)), failed) for failed, *row in rows]
    learned = learn(found, FEATURES)
    assert len(learned.atoms) <= MOST_ATOMS
    wrong = sum(learned(sample.features) != sample.failed for sample in found)
    assert wrong <= sum(not sample.failed for sample in found)


def test_one_stray_sample_is_no_reason_for_a_condition():
    found = [Sample({"a": float(value % 10), "b": float(value)}, value % 10 >= 5) for value in range(60)]
    assert str(learn(found, FEATURES[:2])) == "a >= 5"
    stray = [*found, Sample({"a": 7.0, "b": 1000.0}, False)]
    assert str(learn(stray, FEATURES[:2])) == "a >= 5"


def test_of_two_that_separate_equally_the_simpler_is_taken():
    dear, cheap = Feature("dear", lambda _: 0, cost=1.5), Feature("cheap", lambda _: 0)
    found = [Sample({"dear": float(value), "cheap": float(value)}, value > 5) for value in range(12)]
    assert str(learn(found, [dear, cheap])) == "cheap >= 6"


@pytest.mark.parametrize("noise", [0.0, 0.03])
def test_it_is_quick(noise):
    """400 samples with 40 features, the rule in three of them."""
    random = np.random.default_rng(0)
    names = [f"f{index}" for index in range(40)]
    features = [Feature(name, lambda _: 0.0) for name in names]
    found = []
    for row in random.integers(0, 32, (400, 40)):
        failed = bool(row[3] >= 6 and row[17] <= 26 and row[31] >= 6) != (random.random() < noise)
        found.append(Sample(dict(zip(names, map(float, row), strict=True)), failed))
    started = time.process_time()
    learned = learn(found, features)
    assert time.process_time() - started < 0.5
    assert {"f3", "f17", "f31"} == {atom.feature for atom in learned.atoms}


def test_conditions_in_words():
    assert str(Atom("width", True, 12.0)) == "width >= 12"
    assert str(Atom("ratio", False, 0.123456)) == "ratio <= 0.1235"
    assert str(Atom("has bias", True, 1.0, True)) == "has bias"
    assert str(Atom("has bias", False, 0.0, True)) == "not (has bias)"
    assert str(Predicate((Atom("a", True, 1.0), Atom("b", False, 2.0)))) == "a >= 1 and b <= 2"
