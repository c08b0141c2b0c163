"""One factor at a time: which of them make the failure go away, and where."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from rkmend.diagnose.cause.family import Factor, Point, Value
from rkmend.diagnose.cause.outcome import outcome_of
from rkmend.diagnose.cause.record import Experiment
from rkmend.diagnose.cause.survey import Survey

BISECTIONS = 8
"""Halvings at most: a boundary is found exactly within 256, and to half a percent beyond."""

_Step = tuple[Factor, Value]


@dataclass
class OneByOne:
    """Varies every factor of a family on its own, from its start.

    Attributes:
        survey: Judges.
        experiments: So far.
    """

    survey: Survey
    experiments: list[Experiment] = field(default_factory=list)
    _outcomes: dict[str, dict[Value, str]] = field(default_factory=dict)

    @property
    def without_influence(self) -> tuple[str, ...]:
        """Factors of which models were tried that failed alike, and none that did not."""
        return tuple(
            name
            for name, outcomes in self._outcomes.items()
            if set(outcomes.values()) - {"no valid model"} == {"fails alike"}
        )

    def run(self) -> None:
        """Every factor by its ladder; where an ordered one flips, halves its way to the boundary.

        Raises:
            BudgetSpent: Of the oracle; `experiments` holds what came before.
        """
        start, factors = self.survey.family.start, self.survey.family.factors
        steps = [(factor, value) for factor in factors for value in factor.ladder(start[factor.name])]
        for _ in range(1 + BISECTIONS):
            self._try(steps)
            steps = [step for factor in factors if not factor.choices for step in self._middles(factor)]

    def _middles(self, factor: Factor) -> Iterator[_Step]:
        """Downwards and upwards: halfway between the nearest value that converts and what fails before it."""
        start, outcomes = self.survey.family.start[factor.name], self._outcomes.get(factor.name, {})
        assert isinstance(start, int)
        for sign in (-1, 1):
            way = {0: "fails alike"}
            way |= {
                (value - start) * sign: seen for value, seen in outcomes.items() if isinstance(value, int)
            }
            converted = [far for far, seen in way.items() if far > 0 and seen == "converted"]
            if not converted:
                continue
            outer = min(converted)
            inner = max(far for far, seen in way.items() if far < outer and seen == "fails alike")
            middle = (inner + outer) // 2
            if middle not in way:
                yield factor, start + sign * middle

    def _try(self, steps: Sequence[_Step]) -> None:
        start = self.survey.family.start
        points: list[Point] = [{**start, factor.name: value} for factor, value in steps]
        for (factor, value), (_, observation, why) in zip(steps, self.survey.judged(points), strict=True):
            outcome = outcome_of(observation, self.survey.failure) if observation else "no valid model"
            change = f"{factor.name}: {start[factor.name]} -> {value}"
            self.experiments.append(Experiment("factor", change, outcome, observation, reason=why))
            self._outcomes.setdefault(factor.name, {})[value] = outcome
