"""Every rule can be told in Chinese."""

from __future__ import annotations

import re

import pytest

from rkmend.rules import all_rules
from rkmend.words import rule_words
from rkmend.words.rules import codes

RULES = {rule.code: rule for rule in all_rules()}
CHINESE = re.compile(r"[\u4e00-\u9fff]")


def test_every_rule_has_words_and_no_words_are_left_over():
    assert set(codes()) == set(RULES)


@pytest.mark.parametrize("code", RULES)
def test_they_are_whole_chinese_sentences(code):
    words = rule_words(code)
    for text in (words.title, words.what, words.does):
        assert text.endswith("。") and len(CHINESE.findall(text)) >= 2, text
        assert text.count("(") == text.count(")")


@pytest.mark.parametrize("code", RULES)
def test_they_name_no_option_that_the_page_does_not_name(code):
    words, page = rule_words(code), RULES[code].page()
    for option in re.findall(r"--[a-z-]+", words.what + words.does):
        assert option in page, option
