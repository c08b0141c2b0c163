"""Every kind of log line can be told in Chinese."""

from __future__ import annotations

import re

import pytest

from rkmend.toolkit.log_classes import all_classes
from rkmend.words import log_words
from rkmend.words.rules import log_codes

KINDS = {kind.code: kind for kind in all_classes()}


def test_every_kind_has_words_and_no_words_are_left_over():
    assert set(log_codes()) == set(KINDS)


@pytest.mark.parametrize("code", KINDS)
def test_commands_numbers_and_versions_are_those_of_the_english(code):
    words, kind = log_words(code), KINDS[code]
    for chinese, english in ((words.meaning, kind.meaning), (words.what_to_do, kind.what_to_do)):
        for exact in re.findall(
            r"rkmend [a-z]+|--[a-z-]+|\d+(?:\.\d+)+|0x[0-9a-f]+|[a-z]+_[a-z_]+|\bRULE\b", english
        ):
            assert exact in chinese, exact
