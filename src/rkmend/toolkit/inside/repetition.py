"""Sees from its log that the toolkit goes round in circles: some of its graph rules undo one another for ever.

Standard library only: it runs inside a toolkit environment as well.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

TAIL = 1 << 16
"""Bytes at the end of a log that are looked at: about 900 lines, which a large network may print, but not of so few
kinds."""
KINDS = 12
"""Different lines that a circle has at most; one of three rules was seen."""
_RULE = re.compile(rb"^D +(\w+): remove node = \[(.*?)\]")


def circle(log: Path) -> tuple[str, ...]:
    """The toolkit's rules that have printed the same lines over and over; none where it is not so.

    Those that only add nodes come first: without one that tidies up after them, the graph would grow for ever.
    """
    try:
        with log.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            if size < TAIL:
                return ()
            file.seek(-TAIL, os.SEEK_END)
            return circle_in(file.read(TAIL))
    except OSError:
        return ()


def circle_in(printed: bytes) -> tuple[str, ...]:
    """The same of what a log ends in."""
    lines = printed[-TAIL:].splitlines()[1:-1]
    kinds = set(lines)
    found = [match for line in kinds if (match := _RULE.match(line))]
    if len(printed) < TAIL or len(kinds) > KINDS or len(found) < len(kinds):
        return ()
    adding = {match[1] for match in found if not match[2]}
    names = sorted({match[1] for match in found}, key=lambda name: (name not in adding, name))
    return tuple(name.decode() for name in names)
