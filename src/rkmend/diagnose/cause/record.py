"""Cause: what an explanation gives back and what stands in report.json, field by field the same."""

from __future__ import annotations

import msgspec

from rkmend.diagnose.cause.predicate import Atom
from rkmend.diagnose.oracle import Observation


class Experiment(msgspec.Struct, frozen=True):
    """One thing that was changed, and what came of it."""

    group: str
    """`factor`, `advice` or `surroundings` (target, toolkit version, build options)."""
    change: str
    """What was changed: `height: 3 -> 2`, `width rounded up to a multiple of 16 (1200)`."""
    outcome: str
    """`fails alike`, `converted`, `fails otherwise`, `no valid model`, `not tried`."""
    observation: Observation | None
    """None when no trial was made; `reason` says why."""
    exactness: str = "changes-model"
    """Whether the change keeps what the model computes: `exact`, `rounding`, `bounded` or `changes-model`."""
    reason: str = ""


class Counterexample(msgspec.Struct, frozen=True):
    """A fresh sample that did not do what the predicate says."""

    point: dict[str, int | str]
    predicted: bool
    """Whether the predicate says that it fails."""
    observation: Observation


class Confirmation(msgspec.Struct, frozen=True):
    """How the predicate did on samples that it was not made from."""

    agreed: int
    total: int
    failing: int
    """Samples of which the predicate says that they fail; the others it says convert."""
    drawn: str
    """How the samples were drawn."""

    @property
    def share(self) -> float:
        """Of samples that did as the predicate says."""
        return self.agreed / self.total if self.total else 0.0

    @property
    def smaller_side(self) -> int:
        """Samples on the side, failing or converting, that has fewer of them."""
        return min(self.failing, self.total - self.failing)


class Tried(msgspec.Struct, frozen=True):
    """A point that was tried, for pictures and for other statements than ours."""

    point: dict[str, int | str]
    failed: bool
    predicted: bool


class Cause(msgspec.Struct, kw_only=True):
    """What decides whether the reproducer fails."""

    established: bool
    """Whether `predicate` was confirmed; without it, `text` says what is known and why it is not enough."""
    text: str
    text_zh: str
    predicate: tuple[Atom, ...] = ()
    """The model fails iff all hold; the names of the features are explained in `text`. Unless `established`, no more
    than the best that was learned."""
    domain: dict[str, str] = {}
    """Between what values each factor was varied; nothing is said of models beyond."""
    confirmed_on: Confirmation | None = None
    counterexamples: tuple[Counterexample, ...] = ()
    without_influence: tuple[str, ...] = ()
    """Factors of which other values were tried, each on its own, and the model failed alike with all of them."""
    experiments: tuple[Experiment, ...] = ()
    samples: tuple[Tried, ...] = ()
    deciding: tuple[str, ...] = ()
    """The two factors of the picture, the most telling first."""
    trials: int = 0
    seconds: float = 0.0
    clock: dict[str, float] = {}
    """Of these seconds: for `predicate` (with the picture), `advice` and `surroundings`."""
    files: dict[str, str] = {}
