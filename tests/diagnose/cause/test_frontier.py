"""The frontier: which two factors are chosen, and that every point is a trial."""

from __future__ import annotations

import pytest

from rkmend.diagnose.budget import Budget
from rkmend.diagnose.cause.explainer import Explainer
from rkmend.diagnose.cause.frontier import SIDE, Frontier, frontier
from rkmend.diagnose.oracle import BudgetSpent
from toy_family import FAILURE, START, Toy, judged_by


def picture(rule, budget: Budget | None = None, start=START) -> Frontier | None:
    explainer = Explainer(Toy(start), judged_by(rule, budget=budget), FAILURE)
    explainer.run()
    if budget:
        budget.trials = budget.spent + 3
    return frontier(explainer)


def test_the_two_factors_that_decide():
    found = picture(lambda p: p["height"] >= 13 and p["width"] <= 41)
    assert {found.x, found.y} == {"height", "width"}
    at = [{found.x: x, found.y: y} for x, y, _ in found.points]
    assert all(
        failed == (p["height"] >= 13 and p["width"] <= 41)
        for p, (_, _, failed) in zip(at, found.points, strict=True)
    )
    assert {failed for _, _, failed in found.points} == {True, False}
    assert 4 <= len(found.points) <= SIDE * SIDE
    agree = sum(found.predict(x, y) == failed for x, y, failed in found.points)
    assert agree >= 0.95 * len(found.points)  # as many as of the fresh samples


def test_a_choice_may_be_an_axis():
    found = picture(lambda p: p["height"] >= 13 and p["operator"] == "Relu")
    assert {found.x, found.y} == {"height", "operator"}
    assert {y for _, y, _ in found.points} == {"Relu", "Sigmoid"}  # the longer axis is the horizontal one


def test_what_is_no_valid_model_is_no_point():
    start = {**START, "channels": 60, "height": 40, "width": 20}
    found = picture(lambda p: p["height"] >= 13 and p["channels"] >= 20, start=start)
    assert {found.x, found.y} == {"height", "channels"}
    assert all(x * y * 20 <= 64_000 for x, y, _ in found.points)


def test_no_picture_of_what_one_factor_decides_alone_or_none():
    assert picture(lambda p: p["height"] >= 13) is None
    assert picture(lambda _: True) is None


def test_the_budget_ends_it():
    with pytest.raises(BudgetSpent):
        picture(lambda p: p["height"] >= 13 and p["width"] <= 41, Budget(trials=10_000))
