"""The frontier: trials on a grid of the two factors that decide most, everything else as in the reproducer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from rkmend.diagnose.cause.explainer import Explainer
from rkmend.diagnose.cause.family import Factor, Point, Value

SIDE = 12
"""Values of an axis at most."""
LINEAR = 8
"""So many of the smallest values are taken one by one: frontiers are finest there."""
DRAWS = 64


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
    """Runs the grid; None when no two factors can be told that decide.

    Raises:
        BudgetSpent: Of the oracle.
    """
    chosen = deciding(explainer)
    if len(chosen) < 2 or explainer.predicate is None:
        return None
    first, second = (next(f for f in explainer.family.factors if f.name == name) for name in chosen)
    predicate, start = explainer.predicate, explainer.family.start

    def at(x: Value, y: Value) -> Point:
        return {**start, first.name: x, second.name: y}

    grid = [at(x, y) for x in _values(first, explainer) for y in _values(second, explainer)]
    points = [
        (point[first.name], point[second.name], label)
        for point, observation, _ in explainer.judged(grid)
        if (label := explainer.label(observation)) is not None
    ]
    return Frontier(
        first.name, second.name, tuple(points), lambda x, y: predicate(explainer.features(at(x, y)))
    )


def deciding(explainer: Explainer) -> list[str]:
    """The two factors whose change most often changes what the predicate says, the most telling first.

    Ordered factors go before others, since a picture shows them better.
    """
    predicate, family = explainer.predicate, explainer.family
    if predicate is None:
        return []
    random = np.random.default_rng(0)
    failing = [point for point, label in explainer.labelled() if label]
    flips = dict.fromkeys((factor.name for factor in family.factors), 0)
    for factor in family.factors:
        for _ in range(DRAWS):
            point = failing[int(random.integers(len(failing)))]
            changed = {**point, factor.name: factor.draw(random)}
            if explainer.exists(changed):
                flips[factor.name] += predicate(explainer.features(changed)) != predicate(
                    explainer.features(point)
                )
    ordered = {factor.name: not factor.choices for factor in family.factors}
    telling = [name for name, count in flips.items() if count]
    return sorted(telling, key=lambda name: (ordered[name], flips[name]), reverse=True)[:2]


def _values(factor: Factor, explainer: Explainer) -> list[Value]:
    """Values for an axis: all choices; or the smallest ones, and those that were tried on their own."""
    if factor.choices:
        return list(factor.choices)
    start = explainer.family.start[factor.name]
    tried = {point[factor.name] for point, _ in explainer.labelled() if _alone(point, factor, explainer)}
    near = {*range(factor.low, min(factor.high, factor.low + LINEAR - 1) + 1), start}
    further = sorted(value for value in tried - near if isinstance(value, int))
    room = SIDE - len(near)
    if len(further) > room:
        further = [further[index * (len(further) - 1) // max(1, room - 1)] for index in range(max(0, room))]
    return sorted({*near, *further}, key=int)


def _alone(point: Point, factor: Factor, explainer: Explainer) -> bool:
    return all(point[name] == value for name, value in explainer.family.start.items() if name != factor.name)
