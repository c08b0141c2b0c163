"""Paragraphs for the terminal: a bold head, and text folded under it; lines of Chinese are folded between letters."""

from __future__ import annotations

import re
import textwrap
import unicodedata
from collections.abc import Iterator

import click

from rkmend.words import ENGLISH, Language, Say

WIDTH = 100
_WIDE = re.compile(r"[\u2e80-\ua4cf\uac00-\ud7af\uf900-\ufaff\ufe30-\ufe4f\uff01-\uff60]")
_PIECES = re.compile(rf"\s+|{_WIDE.pattern}|(?:(?!{_WIDE.pattern})\S)+")
_CLOSING = frozenset("。，、；：？！）】》」”’,.;:)")
"""What never begins a line."""
_OPENING = frozenset("（【《「“‘")
"""What never ends one."""


def paragraph(head: str, text: str, say: Say = ENGLISH) -> str:
    """`Head: text ...`, folded at `WIDTH` and indented from the second line on."""
    start = f"{head}：" if say.language is Language.ZH else f"{head}: "
    return click.style(start, bold=True) + wrapped(text, first=columns(start))


def printable(text: str) -> str:
    """Text of a model for the terminal: what would move its cursor or colour it is written out."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text
    )


def printable_lines(text: str) -> str:
    """As `printable`, line by line."""
    return "\n".join(map(printable, text.splitlines()))


def columns(text: str) -> int:
    """The columns that a text takes on a terminal: a Chinese letter takes two."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def wrapped(text: str, *, indent: str = "  ", first: int = 0) -> str:
    """The text folded; `first` is how much of the first line is taken already."""
    if first:
        return folded(text, WIDTH, " " * first, indent)[first:]
    return folded(text, WIDTH, indent, indent + "  ")


def folded(text: str, width: int, begin: str, further: str) -> str:
    """Lines of at most `width` columns, no word cut: the first begins with `begin`, the others with `further`."""
    if not _WIDE.search(text):
        return textwrap.fill(
            text,
            width,
            initial_indent=begin,
            subsequent_indent=further,
            break_long_words=False,
            break_on_hyphens=False,
        )
    lines = [begin]
    for piece in _unbreakable(text):
        if columns(lines[-1]) + columns(piece.rstrip()) > width and lines[-1].strip():
            lines[-1] = lines[-1].rstrip()
            lines.append(further + piece.lstrip())
        else:
            lines[-1] += piece
    return "\n".join(lines).rstrip()


def _unbreakable(text: str) -> Iterator[str]:
    """Words with the space after them and Chinese letters with the punctuation that belongs to them."""
    held = ""
    for found in _PIECES.finditer(text):
        piece = " " if found[0].isspace() else found[0]
        if held and not (piece == " " or piece[0] in _CLOSING or held[-1] in _OPENING):
            yield held
            held = ""
        held += piece
    yield held
