"""Folding: English as `textwrap` does it, Chinese between letters and by the columns that they take."""

from __future__ import annotations

import textwrap

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rkmend.report.text import WIDTH, columns, folded, paragraph, wrapped
from rkmend.words import Language, translator

WORDS = st.lists(
    st.sampled_from(["Conv", "/a/b/Conv", "卷积", "的", "。", "(", "),", "步幅", "1,024", "（", "）"]),
    max_size=80,
)


@given(st.lists(st.text(st.characters(codec="ascii", categories=["L", "N", "P"]), max_size=12), max_size=40))
def test_english_is_folded_as_ever(words):
    text = " ".join(words)
    expected = textwrap.fill(
        text,
        WIDTH,
        initial_indent="  ",
        subsequent_indent="    ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    assert wrapped(text) == expected


@given(WORDS)
def test_nothing_is_lost_and_no_line_is_too_wide(words):
    text = "字" + " ".join(words)
    lines = folded(text, 40, "  ", "    ").splitlines()
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert all(columns(line) <= 40 for line in lines)


@pytest.mark.parametrize("closing", ["。", "，", "）", ")", "),", ");"])
def test_no_line_begins_with_what_closes(closing):
    for length in range(10, 40):
        lines = folded("字" * length + closing + "字" * 20, 40, "", "").splitlines()
        assert not any(line.lstrip().startswith(closing) for line in lines)


def test_the_head_of_a_paragraph_counts():
    text = click.unstyle(paragraph("判断依据", "字" * 100, translator(Language.ZH)))
    assert text.startswith("判断依据：字") and max(map(columns, text.splitlines())) <= WIDTH
