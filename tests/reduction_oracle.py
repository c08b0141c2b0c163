"""An Oracle in this process: what a candidate does is a function of the model and of chance."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from random import Random

import onnx_ir as ir

from rkmend.diagnose.budget import Budget
from rkmend.diagnose.oracle import Candidate, Observation
from rkmend.graph import digest_ir

FailureOf = Callable[[ir.Model, Random], "str | None"]


def observed(failure: str | None, outcome: str = "") -> Observation:
    return Observation(failure, outcome or ("aborted" if failure else "converted"), "", 0.1, False, "")


class InProcess:
    """Remembers what it was asked, unless it is asked afresh.

    Args:
        failure_of: How a model fails in one run; None when it does not.
        budget: As of any oracle.
        seed: Of the chance.
        outcome: Of the runs that fail.
    """

    def __init__(
        self, failure_of: FailureOf, *, budget: Budget | None = None, seed: int = 0, outcome: str = ""
    ) -> None:
        self.budget = budget or Budget()
        self.runs: list[str] = []
        self._failure_of, self._chance, self._outcome = failure_of, Random(seed), outcome
        self._known: dict[str, Observation] = {}

    def observe(
        self, candidates: Iterable[Candidate]
    ) -> Generator[tuple[Candidate, Observation], None, None]:
        for candidate in candidates:
            digest = digest_ir(candidate.model)
            if digest not in self._known:
                self.budget.spend()
                self._known[digest] = self._run(candidate)
            yield candidate, self._known[digest]

    def repeat(self, candidate: Candidate, times: int) -> tuple[Observation, ...]:
        return tuple(self.ask(candidate, fresh=True) for _ in range(times))

    def ask(self, candidate: Candidate, *, fresh: bool = False) -> Observation:
        digest = digest_ir(candidate.model)
        if fresh or digest not in self._known:
            self.budget.spent += 1
            self._known.setdefault(digest, seen := self._run(candidate))
            return seen
        return self._known[digest]

    def _run(self, candidate: Candidate) -> Observation:
        self.runs.append(candidate.label)
        failure = self._failure_of(candidate.model, self._chance)
        return observed(failure, self._outcome if failure else "")
