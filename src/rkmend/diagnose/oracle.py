"""Oracle: says of a candidate model whether it fails, and how; the reducer and the explainer ask no more of a trial."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import msgspec

from rkmend.errors import RkmendError

if TYPE_CHECKING:
    import onnx_ir as ir


class BudgetSpent(RkmendError):
    """The trials or the seconds that the user allowed are used up."""


@dataclass(frozen=True)
class Candidate:
    """A model to be judged.

    Attributes:
        model: Valid, with static inputs; not changed after it was handed over.
        label: A few words for the report, for example `without node 'relu'`.
    """

    model: ir.Model
    label: str


class Observation(msgspec.Struct, frozen=True):
    """What one run of a candidate gave."""

    failure: str | None
    """How it failed; two candidates fail alike when these are equal. None when it did not fail."""
    outcome: str
    """`converted`, `aborted`, ...; of a check command `exit 0`, `signal 6`, `time limit`."""
    message: str
    """The decisive lines, as printed."""
    seconds: float
    cached: bool
    """Remembered, not run."""
    record: str
    """Name of the folder or file that holds the log; empty when nothing was kept."""
    cycles: int | None = None
    """The compiler's estimate for one core, when the model converted."""


class Oracle(Protocol):
    """Judges candidates."""

    def observe(
        self, candidates: Iterable[Candidate]
    ) -> Generator[tuple[Candidate, Observation], None, None]:
        """Judges candidates, several at once, and gives what came of them in the order in which they came in.

        Candidates are drawn from the iterable only when a worker is free. Closing the generator ends those
        that are still running: a reducer that has found what it looks for stops iterating.

        Raises:
            BudgetSpent: Before the first candidate that would go beyond the budget.
        """
        ...

    def ask(self, candidate: Candidate, *, fresh: bool = False) -> Observation:
        """Judges one candidate; `fresh` runs it even if it is remembered, to see whether it is stable."""
        ...

    def repeat(self, candidate: Candidate, times: int) -> tuple[Observation, ...]:
        """Runs one candidate several times, several at once, remembered or not."""
        ...
