"""Predicate: the simplest statement about features that separates what fails from what does not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations

import msgspec

from rkmend.diagnose.cause.family import Feature

MOST_ATOMS = 4
"""More conditions than this are no statement but a table."""
PRICE = 2.0
"""Errors that a unit of cost has to avoid: one stray sample is no reason for one more condition."""
CANDIDATES = 48
"""Conditions that are combined, the most telling first; all triples of them take a tenth of a second."""


class Atom(msgspec.Struct, frozen=True):
    """One condition: a feature is at least, or at most, some value."""

    feature: str
    at_least: bool
    value: float
    yes_no: bool = False
    """Of a feature that is 1 or 0."""

    def holds(self, features: Mapping[str, float]) -> bool:
        """Whether it holds at a point with these features."""
        found = features[self.feature]
        return found >= self.value if self.at_least else found <= self.value

    def __str__(self) -> str:
        if self.yes_no:
            return self.feature if self.at_least else f"not ({self.feature})"
        number = int(self.value) if float(self.value).is_integer() else round(self.value, 4)
        return f"{self.feature} {'>=' if self.at_least else '<='} {number}"


class Predicate(msgspec.Struct, frozen=True):
    """The model fails iff every condition holds."""

    atoms: tuple[Atom, ...]

    def __call__(self, features: Mapping[str, float]) -> bool:
        """Whether a model with these features is said to fail."""
        return all(atom.holds(features) for atom in self.atoms)

    def __str__(self) -> str:
        return " and ".join(map(str, self.atoms))


class Sample(msgspec.Struct, frozen=True):
    """A point that was tried."""

    features: Mapping[str, float]
    failed: bool


def learn(samples: Sequence[Sample], features: Sequence[Feature]) -> Predicate:
    """The conjunction with the fewest errors and the least to read.

    Every condition is one that the failing samples meet (all but a few: a failure may be flaky), at the
    tightest value; of these, the cheapest set is chosen that the passing samples do not meet.

    Args:
        samples: At least one that failed.
        features: In order of preference.
    """
    failing = [sample for sample in samples if sample.failed]
    passing = [sample for sample in samples if not sample.failed]
    cost = {feature.name: feature.cost for feature in features}
    stray = len(failing) // 30
    scored = []
    for rank, feature in enumerate(features):
        found = sorted(sample.features[feature.name] for sample in failing)
        for skipped in range(min(stray + 1, len(found))):
            for atom in (
                Atom(feature.name, True, found[skipped], feature.yes_no),
                Atom(feature.name, False, found[-1 - skipped], feature.yes_no),
            ):
                missed = _mask(not atom.holds(sample.features) for sample in failing)
                excluded = _mask(not atom.holds(sample.features) for sample in passing)
                if excluded:
                    scored.append((excluded.bit_count() - missed.bit_count(), -cost[feature.name], -rank,
                                   atom, missed, excluded))  # fmt: skip
    best = _undominated(sorted(scored, key=lambda item: item[:3], reverse=True))[:CANDIDATES]
    chosen: tuple[Atom, ...] = ()
    least = float(len(passing))
    for size in range(1, MOST_ATOMS + 1):
        for group in combinations(best[: CANDIDATES if size < MOST_ATOMS else CANDIDATES // 2], size):
            missed = excluded = 0
            price = 0.0
            for _, minus_cost, _, _, one_missed, one_excluded in group:
                missed |= one_missed
                excluded |= one_excluded
                price -= minus_cost * PRICE
            errors = missed.bit_count() + len(passing) - excluded.bit_count()
            if errors + price < least - 1e-9:
                least, chosen = errors + price, tuple(item[3] for item in group)
    return Predicate(chosen)


_Scored = tuple[int, float, int, Atom, int, int]


def _undominated(scored: list[_Scored]) -> list[_Scored]:
    """Drops a condition when an earlier one excludes as much, misses no more and costs no more."""
    kept: list[_Scored] = []
    for item in scored:
        if not any(
            other[5] | item[5] == other[5] and other[4] & ~item[4] == 0 and other[1] >= item[1]
            for other in kept
        ):
            kept.append(item)
    return kept


def _mask(bits: Iterable[bool]) -> int:
    mask = 0
    for index, bit in enumerate(bits):
        mask |= bit << index
    return mask
