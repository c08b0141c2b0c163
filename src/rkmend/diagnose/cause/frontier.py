"""The frontier: trials on a grid of the two factors that decide most, everything else as in the reproducer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from rkmend.diagnose.cause.explainer import Explainer
from rkmend.diagnose.cause.family import Factor, Value

_Axis = tuple[Factor, Sequence[Value]]
_Grid = tuple[_Axis, _Axis]

SIDE = 12
"""Values of an axis at most."""
DRAWS = 64
"""Samples on which the influence of a factor is measured."""
TELLING = 5
"""Factors of which two are chosen."""


@dataclass(frozen=True)
class Frontier:
    """A picture's worth of trials.

    Attributes:
        x: Name of the first factor.
        y: Name of the second.
        points: Values of both, and whether the model failed alike.
        predict: What the predicate says of two values.
    """

    x: str
    y: str
    points: tuple[tuple[Value, Value, bool], ...]
    predict: Callable[[Value, Value], bool]


def frontier(explainer: Explainer) -> Frontier | None:
    """Runs the grid of the two factors, and the values, that show best where the predicate flips.

    Returns:
        None when no two factors show it, everything else as in the start of the family.

    Raises:
        BudgetSpent: Of the oracle.
    """
    survey, start = explainer.survey, explainer.family.start

    def says(first: Factor, second: Factor, x: Value, y: Value) -> bool:
        return explainer.says({**start, first.name: x, second.name: y})

    def worth(grid: _Grid) -> int:
        """How often the predicate flips along the axis along which it flips less."""
        (first, columns), (second, rows) = grid
        said = np.array([[says(first, second, x, y) for y in rows] for x in columns])
        return min(int((said[1:] != said[:-1]).sum()), int((said[:, 1:] != said[:, :-1]).sum()))

    axes = [(factor, values) for factor in _telling(explainer) for values in _axes(factor, explainer)]
    pairs = [(one, two) for one, two in combinations(axes, 2) if one[0] != two[0]]
    best = max(pairs, key=worth, default=None)
    if best is None or not worth(best):
        return None
    (first, columns), (second, rows) = sorted(best, key=lambda axis: len(axis[1]), reverse=True)
    grid = [{**start, first.name: x, second.name: y} for x in columns for y in rows]
    points = [
        (point[first.name], point[second.name], label)
        for point, observation, _ in survey.judged(grid)
        if (label := survey.label(observation)) is not None
    ]
    return Frontier(first.name, second.name, tuple(points), lambda x, y: says(first, second, x, y))


def _telling(explainer: Explainer) -> list[Factor]:
    """The factors whose change most often changes what the predicate says, the most telling first."""
    survey, family = explainer.survey, explainer.family
    random = np.random.default_rng(0)
    failing = [point for point, failed in survey.labelled() if failed]
    flips = dict.fromkeys(family.factors, 0)
    for factor in family.factors:
        for _ in range(DRAWS):
            point = failing[int(random.integers(len(failing)))]
            changed = {**point, factor.name: factor.draw(random)}
            if explainer.says(changed) != explainer.says(point):
                flips[factor] += survey.exists(changed)
    telling = [factor for factor in family.factors if flips[factor]]
    return sorted(telling, key=lambda factor: flips[factor], reverse=True)[:TELLING]


def _axes(factor: Factor, explainer: Explainer) -> list[list[Value]]:
    """Values for an axis: all choices; or the smallest numbers, or those that were tried on their own."""
    if factor.choices:
        return [list(factor.choices)]
    start = explainer.family.start
    tried = {
        int(point[factor.name])
        for point, _ in explainer.survey.labelled()
        if all(point[name] == value for name, value in start.items() if name != factor.name)
    }
    spread = sorted(tried)
    if len(spread) > SIDE:
        spread = [spread[index * (len(spread) - 1) // (SIDE - 1)] for index in range(SIDE)]
    smallest = list(range(factor.low, min(factor.high, factor.low + SIDE - 1) + 1))
    return [[*smallest], [*spread]]
