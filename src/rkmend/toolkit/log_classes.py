"""Kinds of log lines: what they mean, whether they matter, what to do. The table is `log_classes.toml`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import msgspec


class LogClass(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of line."""

    code: str
    title: str
    meaning: str
    what_to_do: str
    reference: str
    """A public thread about it."""
    harmless: bool = False
    """The line alone is no failure."""
    alarming: bool = False
    """It looks like a failure all the same."""
    on_board: bool = False
    """A file is exported, and fails on the board."""
    rule: str | None = None
    """The rkmend rule about it."""


class Sighting(msgspec.Struct, frozen=True):
    """A kind of line, as it stands in a log."""

    kind: LogClass
    line: str
    """The first such line."""
    count: int


@dataclass(frozen=True)
class _Entry:
    kind: LogClass
    signatures: tuple[str, ...]
    unless: frozenset[str]


def all_classes() -> tuple[LogClass, ...]:
    """The whole table, in its order."""
    return tuple(entry.kind for entry in _table())


def sightings(lines: Sequence[str]) -> tuple[Sighting, ...]:
    """The kinds of lines that occur, in order of their first line.

    Args:
        lines: As `clean` gives them.
    """
    text = "\n".join(lines)
    found: list[tuple[int, _Entry, Sighting]] = []
    for entry in _table():
        numbers = sorted({number for words in entry.signatures for number in _where(words, lines, text)})
        if numbers:
            sighting = Sighting(entry.kind, lines[numbers[0]].strip(), len(numbers))
            found.append((numbers[0], entry, sighting))
    codes = {entry.kind.code for _, entry, _ in found}
    told = [(number, sighting) for number, entry, sighting in found if not entry.unless & codes]
    return tuple(sighting for _, sighting in sorted(told, key=lambda pair: pair[0]))


def _where(words: str, lines: Sequence[str], text: str) -> list[int]:
    """The numbers of the lines that bear a signature; `text` is all of them, for a quick no."""
    anchored, words = words.startswith("^"), words.removeprefix("^")
    first, *rest = words.split("*")
    if first not in text:
        return []
    pattern = re.compile(("^" if anchored else "") + ".*?".join(map(re.escape, (first, *rest))))
    return [number for number, line in enumerate(lines) if first in line and pattern.search(line)]


@cache
def _table() -> tuple[_Entry, ...]:
    data = (resources.files(__package__) / "log_classes.toml").read_bytes()
    rows: list[dict[str, Any]] = msgspec.toml.decode(data)["class"]
    return tuple(
        _Entry(
            signatures=tuple(row.pop("signature")),
            unless=frozenset(row.pop("unless", ())),
            kind=msgspec.convert(row, LogClass),
        )
        for row in rows
    )
