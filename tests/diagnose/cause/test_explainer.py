"""The explainer over a family and an oracle whose rule is known."""

from __future__ import annotations

import pytest

from rkmend.diagnose.budget import Budget
from rkmend.diagnose.cause.explainer import FRESH, LEAST, Explainer
from rkmend.diagnose.oracle import BudgetSpent
from toy_family import FAILURE, START, Toy, judged_by, point_of


def planted(point):
    return point["height"] >= 13 and point["width"] <= 41 and point["operator"] == "Relu"


def explained(rule, *, start=START, noise=0.0, seed=0) -> tuple[Explainer, list[dict]]:
    """An explanation that has run, and the points of all models that were judged, in order."""
    asked = []

    def noted(point):
        asked.append(point)
        return rule(point)

    explainer = Explainer(Toy(start), judged_by(noted, noise=noise), FAILURE, seed)
    explainer.run()
    return explainer, asked


@pytest.mark.parametrize("seed", range(3))
def test_a_planted_predicate_is_established(seed):
    explainer, _ = explained(planted, seed=seed)
    assert explainer.established and explainer.confirmation.total == 2 * FRESH
    assert explainer.confirmation.failing == FRESH  # both sides are counted
    said = {atom.feature: (atom.at_least, atom.value) for atom in explainer.predicate.atoms}
    assert said.keys() == {"height", "width", "it is a Relu"}
    assert (
        said["height"][0] and abs(said["height"][1] - 13) <= 1
    )  # bisection finds them; one stray may move them
    assert not said["width"][0] and abs(said["width"][1] - 41) <= 1
    assert set(explainer.without_influence) == {"batch", "channels"}
    assert len(explainer.counterexamples) == explainer.confirmation.total - explainer.confirmation.agreed


def test_the_boundaries_are_found_one_factor_at_a_time():
    explainer, _ = explained(planted)
    outcomes = {experiment.change: experiment.outcome for experiment in explainer.experiments}
    assert outcomes["height: 40 -> 12"] == outcomes["width: 30 -> 42"] == "converted"
    assert outcomes["height: 40 -> 13"] == outcomes["width: 30 -> 41"] == "fails alike"
    assert outcomes["operator: Relu -> Sigmoid"] == "converted"


def test_fresh_samples_were_not_learned_from():
    learned, tested = [], []
    asked = learned

    def noted(point):
        asked.append(tuple(point.values()))
        return planted(point)

    def doing(text):
        nonlocal asked
        asked = tested if text.startswith("confirming") else learned

    explainer = Explainer(Toy(START), judged_by(noted), FAILURE, doing=doing)
    explainer.run()
    assert explainer.established and len(tested) == 2 * FRESH == len(set(tested))
    assert not set(tested) & {*learned, tuple(START.values())}


def test_samples_say_what_was_seen_and_what_is_predicted():
    explainer, asked = explained(planted)
    assert len(explainer.samples) == len({tuple(point.values()) for point in asked} | {tuple(START.values())})
    assert all(sample.failed == planted(sample.point) for sample in explainer.samples)
    wrong = [sample for sample in explainer.samples if sample.predicted != sample.failed]
    assert len(wrong) <= len(explainer.samples) // 20  # as many as the test allows


def test_the_same_seed_gives_the_same_explanation():
    assert explained(planted, seed=5)[1] == explained(planted, seed=5)[1] != explained(planted, seed=6)[1]


def test_a_flaky_failure_is_established_all_the_same():
    explainer, _ = explained(planted, noise=0.01)
    assert explainer.established and explainer.confirmation.share >= 0.95
    assert {atom.feature for atom in explainer.predicate.atoms} == {"height", "width", "it is a Relu"}


def test_a_failure_that_comes_half_of_the_time_is_not():
    explainer, _ = explained(planted, noise=0.4)
    assert not explainer.established
    english, chinese = explainer.why_not
    assert "predicate" in english and chinese


def test_either_or_is_no_conjunction():
    start = {**START, "channels": 20, "height": 50, "width": 4}
    explainer, _ = explained(lambda p: (p["height"] >= 30) != (p["width"] >= 30), start=start)
    assert not explainer.established and explainer.confirmation.share < 0.95
    assert "fresh samples agreed with the best simple predicate" in explainer.why_not[0]
    assert explainer.counterexamples


def test_what_always_fails_has_no_boundary():
    explainer, _ = explained(lambda _: True)
    assert not explainer.established and not explainer.predicate.atoms
    assert "nothing that was varied made the failure go away" in explainer.why_not[0]
    assert set(explainer.without_influence) == {"batch", "channels", "height", "width", "operator"}


def test_another_failure_counts_on_neither_side():
    explainer, _ = explained(lambda p: "build: another" if p["height"] < 40 else True)
    assert not explainer.established
    assert "that fail otherwise" in explainer.why_not[0]
    assert "height" not in explainer.without_influence and "width" in explainer.without_influence


def test_a_family_with_too_few_models_on_one_side():
    explainer, _ = explained(
        lambda p: p["batch"] != 1, start={**START, "channels": 64, "height": 64, "width": 15}
    )
    assert explainer.established
    small = Toy({"batch": 2, "channels": 1, "height": 1, "width": 1, "operator": "Relu"}, high=2)
    tiny = Explainer(small, judged_by(lambda p: p["batch"] == 2), FAILURE)
    tiny.run()
    assert not tiny.established  # 32 models in all, most of which were learned from
    assert f"no {LEAST} fresh samples" in tiny.why_not[0]


def test_factors_without_a_valid_model_are_not_said_to_have_no_influence():
    start = {**START, "channels": 64, "height": 50, "width": 20}  # of the largest size: none grows
    toy = Toy(start, high=64)
    only_larger = [value for value in toy.factors[1].ladder(64) if value > 64]
    assert not only_larger
    explainer, _ = explained(lambda p: p["width"] >= 10, start=start)
    refused = [e for e in explainer.experiments if e.outcome == "no valid model"]
    assert refused and all(e.observation is None and e.reason == "too large" for e in refused)


@pytest.mark.parametrize("trials", [0, 3, 20, 60, 90])
def test_when_the_budget_is_spent_what_was_seen_stays(trials):
    explainer = Explainer(Toy(START), judged_by(planted, budget=Budget(trials=trials)), FAILURE)
    with pytest.raises(BudgetSpent):
        explainer.run()
    assert not explainer.established
    assert len(explainer.samples) == trials + 1  # each trial that was paid for, and the start
    tried = [experiment for experiment in explainer.experiments if experiment.observation]
    assert len(tried) == min(trials, len(tried)) and (not trials or tried)


def test_a_start_that_does_not_fail_alike_every_time():
    assert Explainer(Toy(START), judged_by(planted), FAILURE).starts()
    assert not Explainer(Toy(START), judged_by(lambda _: False), FAILURE).starts()
    assert not Explainer(Toy(START), judged_by(lambda _: "build: another"), FAILURE).starts()
    runs = iter([True, False])
    assert not Explainer(Toy(START), judged_by(lambda _: next(runs)), FAILURE).starts()
    assert not Explainer(Toy({**START, "batch": 2, "height": 9999}), judged_by(planted), FAILURE).starts()


def test_points_and_models_correspond():
    assert point_of(Toy(START).build(START)) == START
