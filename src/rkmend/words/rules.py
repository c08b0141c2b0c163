"""What rules and lines of logs mean, in Chinese, by code: `rules.zh.toml` and `log.zh.toml`.

English stands in the docstrings of the rules and in the table of lines.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any

import msgspec


class RuleWords(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A rule in Chinese."""

    title: str
    """The first line of its page."""
    what: str
    """What happens on the toolkit or the chip."""
    does: str
    """What rkmend does about it."""


def rule_words(code: str) -> RuleWords:
    """The words of a rule.

    Raises:
        KeyError: There are none; every registered rule has some.
    """
    return _table()[code]


def codes() -> tuple[str, ...]:
    """Of the rules that have words."""
    return tuple(_table())


class LogWords(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A kind of log line in Chinese."""

    title: str
    meaning: str
    what_to_do: str


def log_words(code: str) -> LogWords:
    """The words of a kind of log line.

    Raises:
        KeyError: There are none; every kind has some.
    """
    return _log_table()[code]


def log_codes() -> tuple[str, ...]:
    """Of the kinds of lines that have words."""
    return tuple(_log_table())


@cache
def _table() -> dict[str, RuleWords]:
    return msgspec.convert(_read("rules.zh.toml"), dict[str, RuleWords])


@cache
def _log_table() -> dict[str, LogWords]:
    return msgspec.convert(_read("log.zh.toml"), dict[str, LogWords])


def _read(name: str) -> Any:  # noqa: ANN401 - typed by its caller
    return msgspec.toml.decode((resources.files(__package__) / name).read_bytes())
