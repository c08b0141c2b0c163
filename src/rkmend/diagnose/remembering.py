"""What all oracles have in common: they work ahead, ask nothing twice, and keep to a budget and a time limit."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator, Iterable
from dataclasses import dataclass, replace
from typing import Protocol

import msgspec

from rkmend.diagnose.budget import Budget
from rkmend.diagnose.oracle import BudgetSpent, Candidate, Observation
from rkmend.graph import digest_ir
from rkmend.toolkit.lookahead import Job, Lookahead
from rkmend.toolkit.trial import Limits

TIME_LIMIT = "time limit"
"""The outcome of a check command that was still running; a Trial calls it `hung`."""
_UNENDED = (TIME_LIMIT, "hung")
TIMES_BASELINE = 5.0
"""A candidate is no larger than the model as given, but runs beside others on a machine that is busy by now."""
LEAST_SECONDS = 10.0
"""Below this a limit would save nothing, and a garbage collection could pass it."""
LEAST_HANG_SECONDS = 20.0


class Inquiry(Job[Observation], Protocol):
    """A candidate on its way to being judged."""

    @property
    def remembered(self) -> bool:
        """Whether it is judged without running it."""
        ...


class RememberingOracle(ABC):
    """An Oracle whose subclasses only say how one candidate is run.

    Attributes:
        limits: Where a run is ended; see `adapt`.
        budget: Charged for each run.
    """

    def __init__(self, lookahead: Lookahead, limits: Limits, budget: Budget) -> None:
        self.limits = limits
        self.budget = budget
        self._given_limits = limits
        self._lookahead = lookahead
        self._known: dict[str, Observation] = {}

    @abstractmethod
    def _inquire(self, candidate: Candidate, digest: str, *, fresh: bool) -> Inquiry:
        """The job that judges a candidate. Runs in a thread, but is made and asked for its result in the caller's."""

    def observe(
        self, candidates: Iterable[Candidate]
    ) -> Generator[tuple[Candidate, Observation], None, None]:
        """Judges candidates; see `Oracle.observe`."""
        under_way: set[str] = set()
        return self._lookahead.results(self._question(candidate, under_way) for candidate in candidates)

    def ask(self, candidate: Candidate, *, fresh: bool = False) -> Observation:
        """Judges one candidate; see `Oracle.ask`. Charged to the budget, but never refused for it.

        The runs before and after a reduction have to be made whatever is left.
        """
        question = self._question(candidate, set(), fresh=fresh, refuse=False)
        return next(self._lookahead.results([question]))[1]

    def repeat(self, candidate: Candidate, times: int) -> tuple[Observation, ...]:
        """Runs one candidate several times; see `Oracle.repeat`. Charged as `ask` is."""
        questions = (self._question(candidate, set(), fresh=True, refuse=False) for _ in range(times))
        return tuple(observation for _, observation in self._lookahead.results(questions))

    def adapt(self, baseline: Observation | None) -> None:
        """Sets the time limit for candidates by what the model as given took; None restores the limit of the user.

        A model that failed by itself gives `TIMES_BASELINE` times what it took: a candidate that takes longer
        fails in another way and is no progress.

        When the failure is that it hangs, the whole limit would be waited for at every candidate that still
        hangs: that is, at every step that is progress. But a hang has no length of its own, and so passes a
        short limit as well as a long one; the risk is to take a candidate for hung that is only slow. How long
        one that does not hang takes is not known, for the model as given never came to its end. What is known
        is how long the least takes, a model of one operator, with everything that is paid once a run: the limit
        is some times that, and at least `LEAST_HANG_SECONDS`. Against the risk stand the Signature of a hang,
        which says in which pass it was, and the last word: after `adapt(None)` the reproducer is run under the
        limit of the user.

        Args:
            baseline: Of the model as given, under the limit of the user.
        """
        self.limits = self._given_limits
        if baseline is None:
            return
        if baseline.outcome in _UNENDED:
            seconds = max(LEAST_HANG_SECONDS, TIMES_BASELINE * self.ask(least_model(), fresh=True).seconds)
        else:
            seconds = max(LEAST_SECONDS, TIMES_BASELINE * baseline.seconds)
        self.limits = replace(self._given_limits, seconds=min(self._given_limits.seconds, seconds))

    def _question(
        self, candidate: Candidate, under_way: set[str], *, fresh: bool = False, refuse: bool = True
    ) -> _Question:
        digest = digest_ir(candidate.model)
        key = self._key(digest)
        known = not fresh and (key in under_way or self._recall(key) is not None)
        inquiry = None if known else self._inquire(candidate, digest, fresh=fresh)
        charged = inquiry is not None and not inquiry.remembered
        try:
            if charged:
                self.budget.spend()
        except BudgetSpent:
            if refuse:
                assert inquiry
                inquiry.cancel()
                raise
            self.budget.spent += 1
        under_way.add(key)
        return _Question(self, candidate, key, inquiry, charged, keep=not fresh)

    def _key(self, digest: str) -> str:
        """What a candidate of this content is remembered by."""
        return digest

    def _recall(self, key: str) -> Observation | None:
        """What came of the same content before. One that did not end is remembered for no longer than it ran."""
        known = self._known.get(key)
        if known and known.outcome in _UNENDED and known.seconds < self.limits.seconds:
            return None
        return known

    def _remember(self, key: str, observation: Observation) -> None:
        self._known[key] = observation


@dataclass
class _Question:
    """A candidate that was asked about. Without an inquiry it has been judged, or will be before its turn comes."""

    oracle: RememberingOracle
    candidate: Candidate
    key: str
    inquiry: Inquiry | None
    charged: bool
    keep: bool

    def run(self) -> None:
        if self.inquiry:
            self.inquiry.run()

    def cancel(self) -> None:
        self.oracle.budget.spent -= self.charged
        if self.inquiry:
            self.inquiry.cancel()

    def result(self) -> tuple[Candidate, Observation]:
        self.oracle.budget.remembered += not self.charged
        if self.inquiry is None:
            known = self.oracle._known[self.key]
            return self.candidate, msgspec.structs.replace(known, cached=True)
        observation = self.inquiry.result()
        if self.keep:
            self.oracle._remember(self.key, observation)
        return self.candidate, observation


def least_model() -> Candidate:
    """A model of one operator."""
    import onnx_ir as ir

    graph_input = ir.Value(name="x", type=ir.TensorType(ir.DataType.FLOAT), shape=ir.Shape([1, 4]))
    relu = ir.node("Relu", [graph_input], name="relu")
    output = relu.outputs[0]
    output.name, output.type, output.shape = "y", graph_input.type, graph_input.shape
    graph = ir.Graph([graph_input], [output], nodes=[relu], opset_imports={"": 12}, name="least")
    return Candidate(ir.Model(graph, ir_version=8), "the least model, to see how long a run takes")
