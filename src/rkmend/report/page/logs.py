"""The logs of the trials, short enough for the page: of a long one the head and the tail."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from rkmend.files import read_ends
from rkmend.report.page.record import Log

LONGEST = 64 << 10
"""Bytes of a log that is shown whole."""
ALL = 1 << 20
"""Bytes of all logs together; where there are more, each is cut shorter. In the page they take about a tenth."""
LEAST = 1 << 10
"""Bytes that are kept of each in any case."""
NAME = "log.txt"


def read_logs(folder: Path, trials: Iterable[str], most: int = ALL) -> tuple[Log, ...]:
    """The logs that are there.

    Args:
        folder: With a folder for each trial.
        trials: The names of these, in order.
        most: Bytes of all together.
    """
    paths = [(trial, folder / trial / NAME) for trial in trials]
    there = [(trial, path, path.stat().st_size) for trial, path in paths if path.is_file()]
    longest = LONGEST
    while longest > LEAST and sum(min(size, longest) for _, _, size in there) > most:
        longest //= 2
    # a failure speaks at the end
    return tuple(
        Log(trial, read_ends(path, longest // 4, longest - longest // 4), size, cut=size > longest)
        for trial, path, size in there
    )
