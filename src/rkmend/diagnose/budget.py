"""Budget: how many trials, or how many seconds, a user allows for a reduction or an explanation."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rkmend.diagnose.oracle import BudgetSpent
from rkmend.errors import InputError

_UNITS = {"s": 1.0, "min": 60.0, "h": 3600.0}


@dataclass
class Budget:
    """Counts what is spent. The clock starts when it is made.

    Attributes:
        trials: How many candidates may be run; None for any number.
        seconds: After which no further candidate is started; None for any time.
        spent: Candidates that were run. Those that were started ahead of time and then cancelled are not among
            them, so that a budget leads as far on one core as on many.
        remembered: Candidates that were answered from memory: free of charge.
    """

    trials: int | None = None
    seconds: float | None = None
    spent: int = 0
    remembered: int = 0
    _started: float = field(default_factory=time.monotonic)

    @classmethod
    def parse(cls, text: str) -> Budget:
        """Reads `200` (trials), `90s`, `5min` or `1.5h`.

        Raises:
            InputError: It is none of these, or not above zero.
        """
        found = re.fullmatch(r"(\d+(?:\.\d+)?) *(s|min|h)?", text.strip())
        number = float(found[1]) if found else math.nan
        if not found or number == 0 or not (found[2] or number.is_integer()):
            raise InputError(
                f"'{text}' is no budget",
                hint="Give a number of trials, for example 200, or a time, for example 90s, 5min or 1h.",
            )
        return cls(seconds=number * _UNITS[found[2]]) if found[2] else cls(trials=int(number))

    def spend(self) -> None:
        """Charges one candidate that is about to run.

        Raises:
            BudgetSpent: There is nothing left; it is not charged.
        """
        if self.trials is not None and self.spent >= self.trials:
            raise BudgetSpent(f"the budget of {self.trials} trials is spent")
        if self.seconds is not None and time.monotonic() - self._started >= self.seconds:
            raise BudgetSpent(f"the budget of {self.seconds:g} s is spent")
        self.spent += 1

    @contextmanager
    def share(self, part: float) -> Iterator[None]:
        """Allows only a part of the whole, counted from the start, while the block runs."""
        trials, seconds = self.trials, self.seconds
        self.trials = None if trials is None else math.ceil(trials * part)
        self.seconds = None if seconds is None else seconds * part
        try:
            yield
        finally:
            self.trials, self.seconds = trials, seconds
