"""The recorded logs, and what users do to logs before they paste them."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Callable
from pathlib import Path

FOLDER = Path(__file__).parent / "fixtures" / "logs"
VERSIONS = ("2.2.0", "2.3.0", "2.3.2", "2.5.0")
RECORDED = sorted(path.stem for path in FOLDER.glob("*.log"))


def recorded(name: str) -> str:
    """A recorded log, byte for byte: colours, carriage returns and all."""
    return (FOLDER / f"{name}.log").read_bytes().decode()


def mail(width: int) -> Callable[[str], str]:
    """Folds at blanks, as mail and forums do."""
    return lambda text: "\n".join(
        part for line in text.split("\n") for part in textwrap.wrap(line, width) or [""]
    )


def terminal(width: int, *, strip: bool = False) -> Callable[[str], str]:
    """Folds through words, as terminals do; copied with or without the blanks at the ends."""

    def fold(text: str) -> str:
        parts = [
            line[start : start + width]
            for line in text.split("\n")
            for start in range(0, max(len(line), 1), width)
        ]
        return "\n".join(part.rstrip() if strip else part for part in parts)

    return fold


def each_line(before: str, after: str = "") -> Callable[[str], str]:
    return lambda text: "\n".join(f"{before}{line}{after}" for line in text.split("\n"))


WIDTHS = (60, 72, 80, 100, 120)
PASTED: dict[str, Callable[[str], str]] = {
    **{f"mail {width}": mail(width) for width in WIDTHS},
    **{f"terminal {width}": terminal(width) for width in WIDTHS},
    **{f"terminal {width}, stripped": terminal(width, strip=True) for width in WIDTHS},
    "windows": lambda text: text.replace("\n", "\r\n"),
    "coloured": each_line("\x1b[1;31m", "\x1b[0m"),
    "escape characters lost": each_line("[1;31m", "[0m"),
    "quoted": each_line("> "),
    "quoted twice": each_line("> > "),
    "folded, then quoted": lambda text: each_line("> ")(mail(72)(text)),
    "quoted, then folded": lambda text: mail(72)(each_line("> ")(text)),
    "docker": each_line("converter-1  | 2024-05-01T12:00:00.123456789Z "),
    "continuous integration": each_line("2024-05-01T12:00:00.1234567Z "),
    "journal": each_line("May  1 12:00:00 host python3[4711]: "),
    "html": html.escape,
    "html, escaped twice": lambda text: html.escape(html.escape(text)),
    "typographic quotes": lambda text: text.replace("'", "\u2019"),
    "full width": lambda text: text.replace("'", "\uff07").replace(":", "\uff1a").replace(",", "\uff0c"),
}
