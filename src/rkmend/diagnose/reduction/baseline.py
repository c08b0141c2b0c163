"""Baseline: the failure that a reduction is to keep, how stable it is, and what that asks of every candidate."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import chain

from rkmend.diagnose.oracle import Candidate, Observation, Oracle
from rkmend.errors import InputError

RUNS = 3
"""Runs of a model that is said to fail every time."""
FLAKY_RUNS = 8
"""Runs of one that does not, to learn how often it fails."""
DOUBT = 0.05
"""A flaky failure is said to be gone when it would have shown itself with this probability of doubt."""
MOST_REPETITIONS = 12
DETERMINISTIC = ("rejected", "exit", "unsound")
"""Outcomes of code that decides: a Python exception, an exit code, a number that is too large for its register. Native
crashes are repeated before they are believed: the compiler's tiling aborts in some runs of one and the same model (see
RKM101)."""


class NoFailure(InputError):
    """The model does not fail, so there is nothing to reduce."""

    exit_code = 1


@dataclass(frozen=True)
class Baseline:
    """What the model as given does.

    Attributes:
        failure: The failure that is to be kept.
        runs: All of them.
    """

    failure: str
    runs: tuple[Observation, ...]

    @classmethod
    def measure(cls, oracle: Oracle, candidate: Candidate, first: Observation) -> Baseline:
        """Runs the model again: to see whether it always fails, or whether it fails at all.

        Args:
            oracle: Judges.
            candidate: The model as given.
            first: What its first run gave.

        Raises:
            NoFailure: It does not fail, or it failed once and never again.
        """
        runs = [first]
        while (
            first.failure is None and len(runs) < RUNS
        ):  # somebody has seen it fail; perhaps it does now and then
            first = oracle.ask(candidate, fresh=True)
            runs.append(first)
        failure = first.failure
        if failure is None:
            raise NoFailure(
                f"the model does not fail: {first.outcome}, in each of {RUNS} runs",
                hint="There is nothing to reduce or to explain.",
            )
        if not _costly(first):
            runs += oracle.repeat(candidate, RUNS - len(runs))
            if any(run.failure != failure for run in runs):
                runs += oracle.repeat(candidate, FLAKY_RUNS - RUNS)
            if sum(run.failure == failure for run in runs) == 1:
                raise NoFailure(
                    f"the failure vanished: it was seen once ({failure}) and in none of {len(runs) - 1} other runs",
                    hint="Something outside of the model may have caused it: memory, a full disk, another process.",
                )
        return cls(failure, tuple(runs))

    @property
    def share(self) -> float:
        """How many of the runs gave the failure."""
        return sum(run.failure == self.failure for run in self.runs) / len(self.runs)

    @property
    def flaky(self) -> bool:
        """Whether some runs did not give the failure."""
        return self.share < 1

    @property
    def repetitions(self) -> int:
        """Runs without the failure after which it is said to be gone."""
        if not self.flaky:
            return 1
        return min(MOST_REPETITIONS, math.ceil(math.log(DOUBT) / math.log(1 - self.share)))

    def refutation(self, oracle: Oracle, candidate: Candidate, first: Observation) -> Observation | None:
        """The run which shows that a candidate does not fail alike; None when it does.

        Of a stable baseline it has to fail every time: a candidate that fails now and then would lead the
        reduction to where nothing can be told. Of a flaky one, any of its repetitions will do.

        Args:
            oracle: Judges.
            candidate: Simpler than the model as given.
            first: What its first run gave.
        """
        if self.flaky:
            again = (oracle.ask(candidate, fresh=True) for _ in range(self.repetitions - 1))
            alike = any(run.failure == self.failure for run in chain([first], again))
            return None if alike else first
        if first.failure != self.failure:
            return first
        number = 0 if _deterministic(first) or _costly(first) else RUNS - 1
        return next((run for run in oracle.repeat(candidate, number) if run.failure != self.failure), None)

    def again(self, oracle: Oracle, candidate: Candidate) -> tuple[Observation, ...]:
        """Runs the reproducer, as often as the model as given was run.

        Raises:
            NoFailure: It never fails alike, although it did while it was looked for.
        """
        runs = oracle.repeat(candidate, len(self.runs))
        if not any(run.failure == self.failure for run in runs):
            raise NoFailure(
                f"the failure vanished: the smallest model that failed ({self.failure}) did not do so when it was run "
                f"again at the end: {runs[-1].outcome}",
                hint="A hang may have been a slow conversion: give a longer --trial-seconds. Anything else has a cause "
                "outside of the model, too: memory, a full disk, another process.",
            )
        return runs


def _deterministic(run: Observation) -> bool:
    return run.outcome.startswith(DETERMINISTIC)


def _costly(run: Observation) -> bool:
    """A hang takes its whole time limit; once has to do."""
    return run.outcome in ("hung", "time limit", "exhausted")
