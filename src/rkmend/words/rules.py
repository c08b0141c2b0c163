"""What the rules say, in Chinese: `rules.zh.toml`, by code. English stands in the docstrings of the rules."""

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


@cache
def _table() -> dict[str, RuleWords]:
    data = (resources.files(__package__) / "rules.zh.toml").read_bytes()
    rows: dict[str, Any] = msgspec.toml.decode(data)
    return {code: msgspec.convert(row, RuleWords) for code, row in rows.items()}
