"""Predicate: the simplest statement about features that separates what fails from what does not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

import msgspec

from rkmend.diagnose.cause.family import Feature

MOST_ATOMS = 4
"""More conditions than this are no statement but a table."""
PRICE = 2.0
"""Errors that a unit of cost has to avoid: one stray sample is no reason for one more condition."""
STRAY = 0.05
"""Share of the samples that may speak against a condition that is considered at all: failures may be flaky."""
MISS = 3
"""Passing samples that a condition has to exclude for each failing one that it misses, to be considered: where most
samples pass, any bound of any feature excludes more than it misses."""
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
        return self.met_by(features[self.feature])

    def met_by(self, found: float) -> bool:
        """Whether it holds for a value of its feature."""
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

    Every condition is one that the failing samples meet, all but a few, at the tightest value: a failure may be
    flaky. Of these, the cheapest set is chosen that the passing samples do not meet.

    Args:
        samples: In any order; none, or some of one kind only, give the empty predicate.
        features: In order of preference.
    """
    failed = [sample.failed for sample in samples]
    passing, stray = failed.count(False), int(STRAY * len(samples))
    scored = []
    for rank, feature in enumerate(features):
        values = [sample.features[feature.name] for sample in samples]
        for atom in _tightest(feature, values, failed, stray):
            holds = [atom.met_by(value) for value in values]
            missed = _mask(fails and not met for fails, met in zip(failed, holds, strict=True))
            excluded = _mask(not fails and not met for fails, met in zip(failed, holds, strict=True))
            gain = excluded.bit_count() - MISS * missed.bit_count()
            if gain > 0:
                scored.append(_Scored(gain, -feature.cost, -rank, atom, missed, excluded))
    best = _undominated(sorted(scored, key=lambda item: item[:3], reverse=True))
    chosen: tuple[Atom, ...] = ()
    least = float(passing)
    for size in range(1, MOST_ATOMS + 1):
        for group in combinations(best[: CANDIDATES if size < MOST_ATOMS else CANDIDATES // 2], size):
            missed = excluded = 0
            price = 0.0
            for item in group:
                missed |= item.missed
                excluded |= item.excluded
                price -= item.minus_cost * PRICE
            errors = missed.bit_count() + passing - excluded.bit_count()
            if errors + price < least - 1e-9:
                least, chosen = errors + price, tuple(item.atom for item in group)
    return Predicate(chosen)


def _tightest(
    feature: Feature, values: Sequence[float], failed: Sequence[bool], stray: int
) -> Iterator[Atom]:
    """Conditions that the failing samples meet, all but at most `stray`."""
    found = sorted(value for value, fails in zip(values, failed, strict=True) if fails)
    for at_least, ordered in ((True, found), (False, found[::-1])):
        for value in dict.fromkeys(ordered[: stray + 1]):
            yield Atom(feature.name, at_least, value, feature.yes_no)


class _Scored(NamedTuple):
    """A condition and what it is good for, the best first in order.

    Attributes:
        gain: Passing samples excluded, less `MISS` times the failing samples missed.
        minus_cost: Of the feature.
        minus_rank: Of the feature.
        missed: Failing samples that do not meet it, as a bit mask.
        excluded: Passing samples that do not meet it.
    """

    gain: int
    minus_cost: float
    minus_rank: int
    atom: Atom
    missed: int
    excluded: int


def _undominated(scored: list[_Scored]) -> list[_Scored]:
    """Drops a condition when an earlier one excludes as much, misses no more and costs no more."""
    kept: list[_Scored] = []
    for item in scored:
        if not any(
            item.excluded & ~other.excluded == 0
            and other.missed & ~item.missed == 0
            and other.minus_cost >= item.minus_cost
            for other in kept
        ):
            kept.append(item)
        if len(kept) == CANDIDATES:
            break
    return kept


def _mask(bits: Iterable[bool]) -> int:
    return int("".join("01"[bit] for bit in bits) or "0", 2)
