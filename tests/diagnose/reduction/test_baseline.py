"""The baseline: what is refused, how often is enough, and which run speaks against a candidate."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from reduction_oracle import observed
from rkmend.diagnose.oracle import Candidate, Observation
from rkmend.diagnose.reduction.baseline import Baseline, NoFailure

MODEL = Candidate(None, "the model")  # nobody looks at it here


class Scripted:
    """Gives the runs that it was given, in their order."""

    def __init__(self, *failures: str | None, outcome: str = "") -> None:
        self._runs: Iterator[Observation] = (observed(f, outcome if f else "") for f in failures)
        self.asked = 0

    def ask(self, candidate: Candidate, *, fresh: bool = False) -> Observation:
        self.asked += 1
        return next(self._runs)

    def repeat(self, candidate: Candidate, times: int) -> tuple[Observation, ...]:
        return tuple(self.ask(candidate, fresh=True) for _ in range(times))


def measure(*failures: str | None, outcome: str = "") -> Baseline:
    oracle = Scripted(*failures, outcome=outcome)
    return Baseline.measure(oracle, MODEL, oracle.ask(MODEL))


def test_a_stable_failure_is_run_three_times():
    baseline = measure("S", "S", "S")
    assert (baseline.failure, len(baseline.runs), baseline.share) == ("S", 3, 1)
    assert not baseline.flaky and baseline.repetitions == 1


@pytest.mark.parametrize(
    ("failures", "share", "repetitions"),
    [
        ("S.S....S", 3 / 8, 7),  # 0.625^7 < 0.05 < 0.625^6
        ("SSSSSSSS", 1, 1),
        ("SSTSSSSS", 7 / 8, 2),  # 0.125^2 < 0.05 < 0.125
        ("..S...S.", 1 / 4, 11),
        ("S......S", 1 / 4, 11),
    ],
)
def test_a_flaky_failure_is_run_eight_times(failures, share, repetitions):
    baseline = measure(*(None if letter == "." else letter for letter in failures))
    assert baseline.share == share and baseline.flaky == (share < 1)
    assert baseline.repetitions == repetitions


def test_a_rare_failure_is_not_looked_for_for_ever():
    runs = tuple(observed("S" if number < 1 else None) for number in range(40))
    assert Baseline("S", runs).repetitions == 12


def test_a_model_that_does_not_fail_is_refused_with_its_verdict():
    with pytest.raises(NoFailure, match=r"does not fail: converted, in each of 3 runs") as told:
        measure(None, None, None)
    assert told.value.exit_code == 1


def test_a_failure_that_vanishes_is_refused():
    with pytest.raises(
        NoFailure, match=r"vanished: it was seen once \(S\) and in none of 7 other runs"
    ) as told:
        measure("S", *[None] * 7)
    assert "outside of the model" in told.value.hint


@pytest.mark.parametrize("outcome", ["hung", "time limit", "exhausted"])
def test_what_takes_its_whole_limit_is_run_once(outcome):
    baseline = measure("S", outcome=outcome)
    assert len(baseline.runs) == 1 and not baseline.flaky
    assert baseline.again(Scripted("S", outcome=outcome), MODEL)[0].failure == "S"


@pytest.mark.parametrize(
    ("failures", "outcome", "refuted_by", "asked"),
    [
        ("SSS", "aborted", None, 3),
        ("SS.", "aborted", 2, 3),
        ("S.S", "aborted", 1, 3),
        ("T", "aborted", 0, 1),
        ("S", "rejected", None, 1),
        ("S", "exit 3", None, 1),
        ("S", "hung", None, 1),
    ],
)
def test_a_stable_baseline_wants_crashes_that_repeat(failures, outcome, refuted_by, asked):
    oracle = Scripted(*(None if letter == "." else letter for letter in failures), outcome=outcome)
    stable = Baseline("S", (observed("S"),) * 3)
    refutation = stable.refutation(oracle, MODEL, oracle.ask(MODEL))
    assert oracle.asked == asked
    if refuted_by is None:
        assert refutation is None
    else:
        assert refutation is not None and refutation.failure != "S"


@pytest.mark.parametrize(
    ("failures", "alike", "asked"), [("S", True, 1), ("..S", True, 3), ("." * 5, False, 5)]
)
def test_a_flaky_baseline_wants_one_failure_of_many_runs(failures, alike, asked):
    oracle = Scripted(*(None if letter == "." else letter for letter in failures))
    flaky = Baseline("S", tuple(observed("S" if number % 2 else None) for number in range(8)))
    assert flaky.repetitions == 5
    refutation = flaky.refutation(oracle, MODEL, oracle.ask(MODEL))
    assert (refutation is None) == alike and oracle.asked == asked


def test_a_reproducer_that_never_fails_again_is_not_handed_over():
    stable = Baseline("S", (observed("S"),) * 3)
    assert [run.failure for run in stable.again(Scripted("S", None, "S"), MODEL)] == ["S", None, "S"]
    with pytest.raises(NoFailure, match=r"smallest model .* \(S\) did not do so .* at the end: converted"):
        stable.again(Scripted(None, None, None), MODEL)
