"""The explainer: varies one factor at a time, learns a predicate from samples, and confirms it on fresh ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from rkmend.diagnose.cause import words
from rkmend.diagnose.cause.family import Both, CannotBuild, Family, Point
from rkmend.diagnose.cause.one_by_one import OneByOne
from rkmend.diagnose.cause.predicate import Predicate, Sample, learn
from rkmend.diagnose.cause.record import Confirmation, Counterexample, Experiment, Tried
from rkmend.diagnose.cause.survey import Survey
from rkmend.diagnose.oracle import Candidate, Oracle

BATCH = 16
"""Samples between two looks at the predicate."""
MOST_BATCHES = 14
STEADY = 2
"""Batches without a surprise after which the predicate is put to the test."""
FRESH = 24
"""Fresh samples on each side of the predicate."""
AGREEMENT = 0.95
"""Share of the fresh samples that has to do as the predicate says. Not 1: the compiler is not deterministic."""
LEAST = 8
"""Fresh samples on either side without which nothing is established: a small family has no more."""
TESTS = 3
"""Times that a predicate may fail its test and be learned anew."""
DRAWN = (
    "all factors at random between the bounds of the domain, and failing samples with one to three factors changed; "
    "none of these models was used to find the predicate"
)


@dataclass
class Explainer:
    """An explanation under way.

    Attributes:
        family: The models that it is about.
        oracle: Judges them.
        failure: The failure that is to be explained.
        seed: Of the samples that are drawn.
        doing: Told what is being done.
        survey: What was tried so far.
        predicate: The best so far.
        confirmation: How the last predicate that was tested did.
        counterexamples: Samples that spoke against it.
    """

    family: Family
    oracle: Oracle
    failure: str
    seed: int = 0
    doing: Callable[[str], None] = lambda _text: None
    survey: Survey = field(init=False)
    predicate: Predicate | None = None
    confirmation: Confirmation | None = None
    counterexamples: tuple[Counterexample, ...] = ()
    _one_by_one: OneByOne = field(init=False)

    def __post_init__(self) -> None:
        self.survey = Survey(self.family, self.oracle, self.failure, np.random.default_rng(self.seed))
        self._one_by_one = OneByOne(self.survey)

    @property
    def experiments(self) -> tuple[Experiment, ...]:
        """One factor at a time."""
        return tuple(self._one_by_one.experiments)

    @property
    def without_influence(self) -> tuple[str, ...]:
        """See `Cause.without_influence`."""
        return self._one_by_one.without_influence

    @property
    def established(self) -> bool:
        """Whether the predicate stood its test, on both sides."""
        tested = self.confirmation
        return tested is not None and tested.share >= AGREEMENT and tested.smaller_side >= LEAST

    @property
    def why_not(self) -> Both:
        """Why nothing is established, after `run`."""
        if all(failed for _, failed in self.survey.labelled()):
            return words.nothing_helped(sum(1 for _ in self.survey.labelled()) - 1, self.survey.otherwise)
        if self.confirmation and self.confirmation.smaller_side < LEAST:
            return words.one_sided(LEAST)
        return words.no_predicate(self.confirmation)

    @property
    def samples(self) -> tuple[Tried, ...]:
        """Every point that was tried and that failed alike or converted."""
        predicate = self.predicate or Predicate(())
        return tuple(
            Tried(dict(point), failed, predicate(self.survey.features(point)))
            for point, failed in self.survey.labelled()
        )

    def starts(self) -> bool:
        """Whether the family's start fails alike every time: otherwise there is nothing to vary from."""
        try:
            start = Candidate(self.family.build(self.family.start), "where the explanation starts")
        except CannotBuild:
            return False
        return all(self.oracle.ask(start, fresh=fresh).failure == self.failure for fresh in (False, True))

    def run(self) -> None:
        """Varies, learns, confirms; whatever happens, what was learned so far stays.

        Raises:
            BudgetSpent: Of the oracle.
        """
        self.doing("one factor at a time")
        self._one_by_one.run()
        for _ in range(TESTS):
            self.doing("learning what decides")
            self._learn()
            if not self.predicate or not self.predicate.atoms:
                return
            self.doing("confirming on fresh samples")
            self._confirm()
            if self.established:
                return

    def says(self, point: Point) -> bool:
        """Whether the predicate says that the model at a point fails."""
        return self.predicate is not None and self.predicate(self.survey.features(point))

    def _learn(self) -> None:
        """Draws samples where they tell most until the predicate holds for a while."""
        self._relearn()
        steady = 0
        for _ in range(MOST_BATCHES):
            surprises = 0
            for point, observation, _ in self.survey.judged(list(self.survey.draw(BATCH))):
                label = self.survey.label(observation)
                surprises += label is not None and label != self.says(point)
            steady = 0 if surprises else steady + 1
            self._relearn()
            if steady == STEADY:
                return

    def _relearn(self) -> None:
        survey = self.survey
        material = [Sample(survey.features(point), failed) for point, failed in survey.labelled()]
        self.predicate = learn(material, self.family.features)
        self.confirmation, self.counterexamples = None, ()  # they were another predicate's

    def _confirm(self) -> None:
        """Fresh samples from both sides of the predicate, as many of each as there are up to `FRESH`."""
        failing = list(self.survey.draw(FRESH, self.says))
        points = [*failing, *self.survey.draw(FRESH, lambda point: not self.says(point))]
        agreed = said_to_fail = total = 0
        against = []
        for point, observation, _ in self.survey.judged(points):
            label, predicted = self.survey.label(observation), self.says(point)
            if label is None or observation is None:
                continue
            total += 1
            said_to_fail += predicted
            agreed += label == predicted
            if label != predicted:
                against.append(Counterexample(dict(point), predicted, observation))
        self.confirmation = Confirmation(agreed, total, said_to_fail, DRAWN)
        self.counterexamples = tuple(against)
