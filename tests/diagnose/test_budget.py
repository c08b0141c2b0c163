"""Budgets: read as typed, and kept to."""

from __future__ import annotations

import pytest

from rkmend.diagnose.budget import Budget
from rkmend.diagnose.oracle import BudgetSpent
from rkmend.errors import InputError


@pytest.mark.parametrize(
    ("text", "trials", "seconds"),
    [("200", 200, None), ("90s", None, 90), ("5min", None, 300), ("1.5 h", None, 5400)],
)
def test_what_is_typed(text, trials, seconds):
    budget = Budget.parse(text)
    assert (budget.trials, budget.seconds) == (trials, seconds)


@pytest.mark.parametrize("text", ["", "many", "0", "0s", "-3", "2.5", "5 days", "1e9", "nan"])
def test_what_is_no_budget(text):
    with pytest.raises(InputError, match="is no budget"):
        Budget.parse(text)


def test_trials_run_out():
    budget = Budget(trials=2)
    budget.spend()
    budget.spend()
    with pytest.raises(BudgetSpent, match="2 trials"):
        budget.spend()
    assert budget.spent == 2


def test_time_runs_out():
    budget = Budget(seconds=1e-9)
    with pytest.raises(BudgetSpent, match="1e-09 s"):
        budget.spend()
    Budget().spend()
