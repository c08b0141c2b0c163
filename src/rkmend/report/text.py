"""Paragraphs for the terminal: a bold head, and text folded under it."""

from __future__ import annotations

import textwrap

import click

WIDTH = 100


def paragraph(head: str, text: str) -> str:
    """`Head: text ...`, folded at `WIDTH` and indented from the second line on."""
    return click.style(f"{head}: ", bold=True) + wrapped(text, first=len(head) + 2)


def wrapped(text: str, *, indent: str = "  ", first: int = 0) -> str:
    """The text folded; `first` is how much of the first line is taken already."""
    filled = textwrap.fill(
        text,
        WIDTH,
        initial_indent=" " * (first or len(indent)),
        subsequent_indent=indent + "  " * (not first),
        break_long_words=False,
        break_on_hyphens=False,
    )
    return filled[first:] if first else filled
