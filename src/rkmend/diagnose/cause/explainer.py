"""The explainer: varies one factor at a time, learns a predicate from samples, and confirms it on fresh ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from rkmend.diagnose.cause.family import CannotBuild, Factor, Family, Point, Value
from rkmend.diagnose.cause.outcome import outcome_of
from rkmend.diagnose.cause.predicate import Predicate, Sample, learn
from rkmend.diagnose.cause.record import Confirmation, Counterexample, Experiment, Tried
from rkmend.diagnose.oracle import Candidate, Observation, Oracle

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
BISECTIONS = 8


@dataclass
class Explainer:
    """An explanation under way.

    Attributes:
        family: The models that it is about.
        oracle: Judges them.
        failure: The failure that is to be explained.
        doing: Told what is being done.
        experiments: One factor at a time.
        predicate: The best so far.
    """

    family: Family
    oracle: Oracle
    failure: str
    seed: int = 0
    doing: Callable[[str], None] = lambda _text: None
    experiments: list[Experiment] = field(default_factory=list)
    predicate: Predicate | None = None
    confirmation: Confirmation | None = None
    counterexamples: tuple[Counterexample, ...] = ()
    without_influence: tuple[str, ...] = ()
    _flipped: set[str] = field(default_factory=set)
    _seen: dict[tuple[Value, ...], tuple[Point, Observation]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._random = np.random.default_rng(self.seed)

    @property
    def established(self) -> bool:
        """Whether the predicate stood its test, on both sides."""
        tested = self.confirmation
        if tested is None or tested.share < AGREEMENT:
            return False
        return min(tested.failing, tested.total - tested.failing) >= LEAST

    @property
    def why_not(self) -> str:
        """Why nothing is established, after `run`."""
        if not any(not label for _, label in self.labelled()):
            return f"nothing that was varied made the failure go away, in {len(self._seen)} models that were tried"
        if self.confirmation and self.confirmation.share >= AGREEMENT:
            return f"no {LEAST} fresh samples could be found on each side of what was learned"
        return "no simple predicate agreed with enough of the fresh samples"

    @property
    def samples(self) -> tuple[Tried, ...]:
        """Every point that was tried and that failed alike or converted."""
        predicate = self.predicate or Predicate(())
        return tuple(
            Tried(dict(point), label, predicate(self.features(point))) for point, label in self.labelled()
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
        self._one_by_one()
        for _ in range(TESTS):
            self.doing("learning what decides")
            self._learn()
            if not self.predicate or not self.predicate.atoms:
                return
            self.doing("confirming on fresh samples")
            self._confirm()
            if self.established:
                return

    def features(self, point: Point) -> dict[str, float]:
        """The features of a point, by name."""
        return {feature.name: float(feature.of(point)) for feature in self.family.features}

    def _one_by_one(self) -> None:
        """Every factor on its own, from the reproducer; where an ordered one flips, the boundary."""
        start = self.family.start
        steps = [(f, value) for f in self.family.factors for value in f.ladder(start[f.name])]
        points = [{**start, f.name: value} for f, value in steps]
        seen: dict[str, dict[int, bool]] = {}
        for (factor, value), (_, observation, why) in zip(steps, self.judged(points), strict=True):
            self._note(factor, value, observation, why)
            label = self.label(observation)
            if label is not None and isinstance(value, int):
                seen.setdefault(factor.name, {})[value] = label
        for factor in self.family.factors:
            if not factor.choices:
                self._bisect(factor, seen.get(factor.name, {}))
        self.without_influence = tuple(f.name for f in self.family.factors if f.name not in self._flipped)

    def _bisect(self, factor: Factor, seen: dict[int, bool]) -> None:
        """Closes in on the first place where an ordered factor flips, downwards and upwards from the start."""
        start = self.family.start[factor.name]
        assert isinstance(start, int)
        for sign in (-1, 1):
            beyond = sorted((v for v in seen if (v - start) * sign > 0), key=lambda v: abs(v - start))
            inner = start
            for value in beyond:
                if not seen[value]:
                    outer = value
                    break
                inner = value
            else:
                continue
            for _ in range(BISECTIONS):
                if abs(outer - inner) <= 1:
                    break
                middle = (inner + outer) // 2
                ((_, observation, why),) = self.judged([{**self.family.start, factor.name: middle}])
                self._note(factor, middle, observation, why)
                label = self.label(observation)
                if label is None:
                    break
                inner, outer = (middle, outer) if label else (inner, middle)

    def _note(self, factor: Factor, value: Value, observation: Observation | None, why: str) -> None:
        outcome = outcome_of(observation, self.failure) if observation else "no valid model"
        if outcome in ("converted", "fails otherwise"):
            self._flipped.add(factor.name)
        change = f"{factor.name}: {self.family.start[factor.name]} -> {value}"
        self.experiments.append(Experiment("factor", change, outcome, observation, reason=why))

    def _learn(self) -> None:
        """Draws samples where they tell most until the predicate holds for a while."""
        self.predicate = learn(self._material(), self.family.features)
        steady = 0
        for _ in range(MOST_BATCHES):
            surprises = 0
            for point, observation, _ in self.judged(list(self._draw(BATCH))):
                label = self.label(observation)
                surprises += label is not None and label != self.predicate(self.features(point))
            steady = 0 if surprises else steady + 1
            self.predicate = learn(self._material(), self.family.features)
            if steady == STEADY:
                return

    def _confirm(self) -> None:
        """Fresh samples from both sides of the predicate."""
        assert self.predicate is not None
        predicate, points, wrong = self.predicate, self._both_sides(FRESH), list[Counterexample]()
        agreed = total = failing = 0
        for point, observation, _ in self.judged(points):
            label = self.label(observation)
            if label is None or observation is None:
                continue
            predicted = predicate(self.features(point))
            total += 1
            failing += predicted
            agreed += label == predicted
            if label != predicted:
                wrong.append(Counterexample(dict(point), predicted, observation))
        drawn = (
            "all factors at random between the bounds of the domain, and failing samples with one to three factors "
            "changed; none of them was used to find the predicate"
        )
        self.confirmation = Confirmation(agreed, total, failing, drawn)
        self.counterexamples = tuple(wrong)

    def _draw(self, number: int) -> Iterator[Point]:
        """New points: one in three anywhere, the others near samples that failed."""
        failing = [point for point, label in self.labelled() if label] or [self.family.start]
        taken = set(self._seen)
        for _ in range(number * 40):
            if number == 0:
                return
            if self._random.random() < 1 / 3:
                point = {f.name: f.draw(self._random) for f in self.family.factors}
            else:
                point = dict(failing[int(self._random.integers(len(failing)))])
                for index in self._random.choice(
                    len(self.family.factors), int(self._random.integers(1, 4)), False
                ):
                    factor, near = self.family.factors[int(index)], self._random.random() < 1 / 2
                    value = point[factor.name]
                    point[factor.name] = (
                        factor.step(value, self._random) if near else factor.draw(self._random)
                    )
            key = self._key(point)
            if key not in taken and self.exists(point):
                taken.add(key)
                number -= 1
                yield point

    def _both_sides(self, number: int) -> list[Point]:
        """As many new points that are said to fail as such that are said to convert, as far as they can be found."""
        assert self.predicate is not None
        sides: dict[bool, list[Point]] = {True: [], False: []}
        for point in self._draw(number * 40):
            side = sides[self.predicate(self.features(point))]
            if len(side) < number:
                side.append(point)
            if all(len(points) == number for points in sides.values()):
                break
        return [*sides[True], *sides[False]]

    def exists(self, point: Point) -> bool:
        """Whether there is a valid model at a point."""
        try:
            self.family.build(point)
        except CannotBuild:
            return False
        return True

    def judged(self, points: Sequence[Point]) -> Iterator[tuple[Point, Observation | None, str]]:
        """What comes of points, in their order; no observation but a reason where there is no model."""
        refused: dict[int, str] = {}

        def candidates() -> Iterable[Candidate]:
            for index, point in enumerate(points):
                try:
                    yield Candidate(self.family.build(point), self._label_text(point))
                except CannotBuild as error:
                    refused[index] = error.message

        judged = self.oracle.observe(candidates())
        found = list(judged)
        results = iter(found)
        for index, point in enumerate(points):
            if index in refused:
                yield point, None, refused[index]
            else:
                _, observation = next(results)
                self._seen[self._key(point)] = (point, observation)
                yield point, observation, ""

    def label(self, observation: Observation | None) -> bool | None:
        """Fails alike, or converts; None for neither."""
        if observation is None or (observation.failure not in (None, self.failure)):
            return None
        return observation.failure is not None

    def _label_text(self, point: Point) -> str:
        changed = [f"{name} {value}" for name, value in point.items() if value != self.family.start[name]]
        return ", ".join(changed[:4]) + (" ..." if len(changed) > 4 else "") or "the reproducer"

    def labelled(self) -> Iterator[tuple[Point, bool]]:
        """Every point that was tried and failed alike or converted, the start first."""
        yield self.family.start, True
        for point, observation in self._seen.values():
            label = self.label(observation)
            if label is not None:
                yield point, label

    def _material(self) -> list[Sample]:
        return [Sample(self.features(point), label) for point, label in self.labelled()]

    def _key(self, point: Point) -> tuple[Value, ...]:
        return tuple(point[factor.name] for factor in self.family.factors)
