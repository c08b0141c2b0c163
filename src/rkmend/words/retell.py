"""Retelling: English sentences of records in Chinese.

A record (report.json, a Finding, a Proof) holds what it says in English, so that there is one truth of it and a report
that an earlier run wrote can be told in Chinese, too. `retold.zh.toml` lists the sentences with a field for every part
that varies; a test holds them against the strings in the code. A field takes any text, `{n:number}` a number,
`{c:code}` and `{r:name}` those of a rule. What a field of any text took is retold in turn; what is not known stays as
it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from string import Formatter

import msgspec

from rkmend.words.rules import log_words

MOST_ATTEMPTS = 300_000
"""To find sentences in a text; one that takes more is kept as it is. The reason
of a refusal takes some 70,000, less than 0.1 s; a text that was made to take long ends after 0.4 s."""
UNKNOWN = 10
"""Characters that an unknown sentence counts in addition, so that what a field takes is not torn apart."""
_KINDS = {"": ".+?", "number": r"[-+\d.,e%]*[\d%]", "code": r"RKM\d{3}", "name": "[a-z0-9-]+"}
_DEPTH = 4
"""How deep known sentences stand in fields of each other."""


@dataclass(frozen=True)
class _Sentence:
    pattern: re.Pattern[str]
    chinese: str
    head: str
    tail: str
    """The letters that it begins and ends with."""
    shortest: int
    open_fields: tuple[str, ...]
    """Those that take any text."""
    opens: bool
    """Whether it may follow on another sentence: it does not begin with just anything."""


def retell(text: str) -> str:
    """A text in Chinese as far as its sentences are known."""
    try:
        return _Telling().whole(text, _DEPTH)[1]
    except _TooMuch:
        return text


class _TooMuch(Exception):
    """There are too many ways to read a text."""


class _Telling:
    """One text being read. What is told of a part is how many characters were kept as they are, and the words."""

    def __init__(self) -> None:
        self._attempts = 0
        self._known: dict[tuple[str, int], tuple[int, str]] = {}

    def whole(self, text: str, depth: int) -> tuple[int, str]:
        """The telling that keeps the fewest characters, with sentences in fields down to a depth."""
        if (text, depth) not in self._known:
            self._known[text, depth] = self._read(text, depth)
        return self._known[text, depth]

    def _read(self, text: str, depth: int) -> tuple[int, str]:
        best = (len(text), text)
        if not depth or not text.strip():
            return best
        ends = [found.start() for found in re.finditer(r" (?=\S)", text)] + [len(text)]
        tellings = (*self._alone(text, depth), self._sequence(text, 0, ends, depth, {}))
        return min(best, *tellings, key=lambda told: told[0])

    def _alone(self, text: str, depth: int) -> Iterator[tuple[int, str]]:
        for sentence in _sentences():
            if not sentence.opens and (found := self._matched(sentence, text, 0, len(text))):
                yield self._filled(sentence, found, depth)

    def _sequence(
        self, text: str, start: int, ends: list[int], depth: int, known: dict[int, tuple[int, str]]
    ) -> tuple[int, str]:
        """The rest of a text from one of its words on; `known` is what has been found out."""
        if start >= len(text):
            return 0, ""
        if start not in known:
            stop = next((end for end in ends if end > start and text[end - 1] in ".;:"), len(text))
            cost, rest = self._sequence(text, stop + 1, ends, depth, known)
            best = (stop - start + UNKNOWN + cost, _joined(text[start:stop], rest))
            for sentence in _sentences():
                if not sentence.opens or not text.startswith(sentence.head, start):
                    continue
                for end in (end for end in ends if end > start):
                    if found := self._matched(sentence, text, start, end):
                        cost, told = self._filled(sentence, found, depth)
                        if cost < best[0]:
                            more, rest = self._sequence(text, end + 1, ends, depth, known)
                            best = min(best, (cost + more, _joined(told, rest)), key=lambda told: told[0])
            known[start] = best
        return known[start]

    def _filled(self, sentence: _Sentence, found: re.Match[str], depth: int) -> tuple[int, str]:
        values = found.groupdict()
        told = {name: self.whole(values[name], depth - 1) for name in sentence.open_fields}
        values |= {name: text for name, (_kept, text) in told.items()}
        return sum(kept for kept, _text in told.values()), sentence.chinese.format(**values)

    def _matched(self, sentence: _Sentence, text: str, start: int, end: int) -> re.Match[str] | None:
        if end - start < sentence.shortest or not text.endswith(sentence.tail, start, end):
            return None
        self._attempts += 1
        if self._attempts > MOST_ATTEMPTS:
            raise _TooMuch
        return sentence.pattern.fullmatch(text, start, end)


def _joined(first: str, rest: str) -> str:
    """Chinese sentences follow each other without a space."""
    return f"{first}{'' if first.endswith('。') or not rest else ' '}{rest}"


@cache
def _sentences() -> tuple[_Sentence, ...]:
    return tuple(_compiled(english, chinese) for english, chinese in retold().items())


def retold() -> dict[str, str]:
    """English -> Chinese: the table, and what lines of logs mean, which reasons quote."""
    rows = table()
    told = {row["en"]: row["zh"] for kind in ("sentence", "composed") for row in rows[kind]}
    data = (resources.files("rkmend") / "toolkit" / "log_classes.toml").read_bytes()  # data, and no import
    for kind in msgspec.toml.decode(data)["class"]:
        words = log_words(kind["code"])
        told[_plain(kind["meaning"])] = _plain(words.meaning)
        told[_plain(kind["what_to_do"])] = _plain(words.what_to_do)
    return told


def _plain(text: str) -> str:
    """Text without fields."""
    return text.replace("{", "{{").replace("}", "}}")


def table() -> dict[str, list[dict[str, str]]]:
    """`sentence` and `composed`, row by row."""
    data = (resources.files(__package__) / "retold.zh.toml").read_bytes()
    rows: dict[str, list[dict[str, str]]] = msgspec.toml.decode(data)
    return rows


def _compiled(english: str, chinese: str) -> _Sentence:
    parts = list(Formatter().parse(english))
    pattern = "".join(
        re.escape(text) + ("" if name is None else f"(?P<{name}>{_KINDS[kind or '']})")
        for text, name, kind, _conversion in parts
    )
    literals = [text for text, _name, _kind, _conversion in parts]
    tail = literals[-1] if parts[-1][1] is None else ""
    opens = bool(parts[0][0] or parts[0][2])
    open_fields = tuple(name for _text, name, kind, _conversion in parts if name and not kind)
    shortest = sum(map(len, literals)) + sum(name is not None for _text, name, _kind, _conversion in parts)
    compiled = re.compile(pattern, re.DOTALL)
    return _Sentence(compiled, chinese, literals[0], tail, shortest, open_fields, opens)
