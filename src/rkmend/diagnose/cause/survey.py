"""Survey: the points of a family that were tried, what came of them, and where to look next."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from rkmend.diagnose.cause.family import CannotBuild, Family, Point, Value
from rkmend.diagnose.oracle import Candidate, Observation, Oracle
from rkmend.graph import digest_ir

DRAWS = 40
"""Points that are looked at, at most, for each that is wanted: a small family has no more to give."""
MOST_CHANGES = 3
"""Factors that are changed at once near a point that failed."""

Judged = tuple[Point, "Observation | None", str]
"""A point, what came of its model, and, where there is no valid model, the reason."""


@dataclass
class Survey:
    """Points of a family and what came of them.

    Attributes:
        family: What is surveyed.
        oracle: Judges its models.
        failure: What counts as failing.
        random: For drawing.
        otherwise: Models that failed in another way: they count on neither side.
    """

    family: Family
    oracle: Oracle
    failure: str
    random: np.random.Generator
    otherwise: int = 0
    _labelled: dict[str, tuple[Point, bool]] = field(default_factory=dict)
    _tried: set[str] = field(default_factory=set)
    _digests: dict[tuple[Value, ...], str] = field(default_factory=dict)

    def judged(self, points: Sequence[Point]) -> Iterator[Judged]:
        """What comes of points, in their order.

        Raises:
            BudgetSpent: Of the oracle, when what came before it was given.
        """
        refused: dict[int, str] = {}
        asked: deque[tuple[int, str]] = deque()

        def candidates() -> Iterator[Candidate]:
            for index, point in enumerate(points):
                try:
                    model = self.family.build(point)
                except CannotBuild as error:
                    refused[index] = error.message
                else:
                    asked.append((index, digest_ir(model)))
                    yield Candidate(model, self._words(point))

        given = 0
        for _, observation in self.oracle.observe(candidates()):
            index, digest = asked.popleft()
            yield from ((points[gap], None, refused[gap]) for gap in range(given, index))
            self._keep(points[index], digest, observation)
            yield points[index], observation, ""
            given = index + 1
        yield from ((points[gap], None, refused[gap]) for gap in range(given, len(points)))

    def label(self, observation: Observation | None) -> bool | None:
        """Whether it fails alike; None for what neither does that nor converts."""
        if observation is None or observation.failure not in (None, self.failure):
            return None
        return observation.failure is not None

    def labelled(self) -> Iterator[tuple[Point, bool]]:
        """Every point that was tried and failed alike or converted, and the start."""
        yield self.family.start, True
        yield from self._labelled.values()

    def draw(self, number: int, wanted: Callable[[Point], bool] = lambda _point: True) -> Iterator[Point]:
        """New points, of whose models none was tried: one in three anywhere, the others near points that failed.

        Args:
            number: How many, if there are as many.
            wanted: Which ones.
        """
        failing = [point for point, failed in self.labelled() if failed]
        taken = {*self._tried, self._digest(self.family.start)}
        for _ in range(number * DRAWS):
            if number == 0:
                return
            near = self.random.random() < 2 / 3
            point = self._near(failing[int(self.random.integers(len(failing)))]) if near else self._anywhere()
            if not wanted(point):
                continue
            digest = self._digest(point)
            if digest and digest not in taken:
                taken.add(digest)
                number -= 1
                yield point

    def exists(self, point: Point) -> bool:
        """Whether there is a valid model at a point."""
        return bool(self._digest(point))

    def features(self, point: Point) -> dict[str, float]:
        """The features of a point, by name."""
        return {feature.name: float(feature.of(point)) for feature in self.family.features}

    def _keep(self, point: Point, digest: str, observation: Observation) -> None:
        label = self.label(observation)
        if label is not None:
            self._labelled[digest] = point, label
        elif digest not in self._tried:
            self.otherwise += 1
        self._tried.add(digest)

    def _anywhere(self) -> Point:
        return {factor.name: factor.draw(self.random) for factor in self.family.factors}

    def _near(self, point: Point) -> Point:
        """Some factors changed, each to a neighbour or to any value: boundaries are narrow."""
        factors, random = self.family.factors, self.random
        number = min(len(factors), int(random.integers(1, MOST_CHANGES + 1)))
        changed = dict(point)
        for index in random.choice(len(factors), number, replace=False):
            factor = factors[int(index)]
            step = random.random() < 1 / 2
            changed[factor.name] = factor.step(point[factor.name], random) if step else factor.draw(random)
        return changed

    def _digest(self, point: Point) -> str:
        """Of the content of the model at a point; empty where there is none. Small families are drawn from often."""
        key = tuple(point[factor.name] for factor in self.family.factors)
        if key not in self._digests:
            try:
                self._digests[key] = digest_ir(self.family.build(point))
            except CannotBuild:
                self._digests[key] = ""
        return self._digests[key]

    def _words(self, point: Point) -> str:
        changed = [f"{name} {value}" for name, value in point.items() if value != self.family.start[name]]
        return ", ".join(changed[:4]) + (" ..." if len(changed) > 4 else "") or "the reproducer"
