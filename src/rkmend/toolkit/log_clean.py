"""What a user pasted, back to the lines that the toolkit printed."""

from __future__ import annotations

import html
import re

from rkmend.toolkit.log_unfold import LONG, Line, unfold

_ESCAPES = re.compile(
    r"(?:\x1b|\^\[|\u241b)\[[0-9;?]*[A-Za-z]"  # colours and cursor moves
    r"|\x1b\][^\x07\x1b\n]*(?:\x07|\x1b\\)"  # window titles
    r"|\[\d{1,3}(?:;\d{1,3})*m"  # colours whose escape character a forum dropped
    r"|[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f\u200b-\u200f\ufeff]"
)
_TYPOGRAPHY = re.compile("[\u00a0\u2018-\u201f\u3000\uff01-\uff5e]")
_BREAKS = re.compile(r"<br\s*/?>", re.IGNORECASE)
_TAGS = re.compile(r"</?(?:pre|code|span|div|p|font)(?:\s[^<>\n]*)?>", re.IGNORECASE)
_ENTITIES = re.compile(r"&(?:#\d{1,6}|#x[0-9a-f]{1,5}|lt|gt|amp|quot|apos|nbsp);", re.IGNORECASE)
_QUOTING = re.compile(r"[ \t]{0,3}(?:> ?){1,4}(?!>)")
_STAMP = re.compile(
    r"(?:[A-Za-z][\w.-]*\s+\|\s)?"  # docker compose: `service-1  | `
    r"(?:\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?\]?\s"  # ISO 8601
    r"|[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \S+ \S+: )?"  # the journal
)
_NEXT_RECORD = re.compile(r"(?<=it/s\])(?=\S)|(?<=\S)\s*(?=\b[DIWE] RKNN: \[)")


def clean(text: str, *, pasted: bool = True) -> list[str]:
    r"""The lines of a log as the toolkit printed them, as far as a paste lets one know.

    Takes away ANSI colours (also without their escape character), the earlier states of progress bars,
    `\r\n`, Markdown quoting, time stamps of docker, the journal and CI, HTML tags and entities, full-width
    forms. Joins what a terminal, forum or mail folded; splits records that were pasted onto one line.

    Args:
        text: The log.
        pasted: False for a log straight from the toolkit, whose lines are never joined.

    Returns:
        Lines without trailing blanks; empty lines stay.
    """
    lines = [line for physical in _physical(text) for line in _bare(physical)]
    return unfold(lines) if pasted else [line.text.rstrip() for line in lines]


def _physical(text: str) -> list[str]:
    text = _ESCAPES.sub("", text)
    text = _TYPOGRAPHY.sub(_plain, text)
    text = _TAGS.sub("", _BREAKS.sub("\n", text))
    for _ in range(2):  # forums escape twice
        text = _ENTITIES.sub(lambda found: html.unescape(found[0]), text)
    text = text.replace("\r\n", "\n")
    if "\n" not in text:
        text = text.replace("\r", "\n")
    return [_last_state(line) if "\r" in line else line for line in text.split("\n")]


def _plain(found: re.Match[str]) -> str:
    """The ASCII form of a typographic or full-width character."""
    character = found[0]
    if character in "\u00a0\u3000":
        return " "
    if character <= "\u201f":
        return "'" if character <= "\u201b" else '"'
    return chr(ord(character) - 0xFEE0)


def _last_state(line: str) -> str:
    """What a progress bar said last."""
    return next((state for state in reversed(line.split("\r")) if state.strip()), "")


def _bare(line: str) -> list[Line]:
    """Without quoting and stamps; one entry per record, should several stand on the line."""
    width = len(line)
    if quoting := _QUOTING.match(line):
        line = line[quoting.end() :]
    if stamp := _STAMP.match(line):
        line = line[stamp.end() :]
    pieces = _NEXT_RECORD.split(line) if "RKNN: [" in line[3:] or "it/s]" in line else [line]
    return [Line(piece[:LONG], width if piece is pieces[-1] else 0) for piece in pieces]
