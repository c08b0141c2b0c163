"""The catalogue is whole and current, and English is what the code says."""

from __future__ import annotations

import re
import subprocess
import sys
from string import Formatter

import pytest

import catalogue
from rkmend.words import Language, Text, both, language_of, translator

CURRENT = "run: make words"


def fields(message: str) -> set[tuple[str, str]]:
    return {
        (name, spec or "")
        for _text, name, spec, _conversion in Formatter().parse(message)
        if name is not None
    }


def _hashable(name):
    return tuple(name) if isinstance(name, (list, tuple)) else name


def messages(catalog):
    return {_hashable(message.id): message for message in catalog if message.id}


def test_the_catalogue_has_the_messages_of_the_code():
    assert set(messages(catalogue.written())) == set(messages(catalogue.extracted())), CURRENT


def test_it_is_compiled():
    compiled, written = (
        {key: _hashable(message.string) for key, message in messages(catalog).items()}
        for catalog in (catalogue.compiled(), catalogue.written())
    )
    assert compiled == written, CURRENT


def test_every_message_is_translated_with_the_same_fields():
    for key, message in messages(catalogue.written()).items():
        english = key if isinstance(key, tuple) else (key,)
        chinese = (message.string,) if isinstance(message.string, str) else message.string
        assert all(chinese) and not message.fuzzy, key
        assert fields(chinese[0]) == fields(english[-1]), key
        letters = re.sub(r"\{[^}]*\}", "", english[-1])
        assert chinese[0] != english[-1] or not re.search("[a-z]{4}", letters), key


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, Language.EN),
        ({"LANG": "zh_CN.UTF-8"}, Language.ZH),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, Language.EN),
        ({"LANG": "C", "LC_MESSAGES": "zh_TW"}, Language.ZH),
        ({"LANG": "de_DE", "LC_ALL": ""}, Language.EN),
        ({"LC_ALL": "zh"}, Language.ZH),
        ({"LC_ALL": "zh-Hans@pinyin"}, Language.ZH),
        ({"LC_ALL": "zha"}, Language.EN),
    ],
)
def test_the_locale_says_which(environment, language):
    assert language_of(environment) is language


def test_both_languages_in_one_process():
    assert both(lambda say: say("Why")) == Text("Why", "原因")


def test_values_may_hold_braces():
    assert translator("zh")("{name}: {why}", name="{0}", why="{x}") == "{0}: {x}"


def test_a_number_decides():
    assert translator("en").many("{count} error", "{count} errors", 1) == "1 error"
    assert translator("en").many("{count} error", "{count} errors", 2) == "2 errors"


def test_english_reads_no_catalogue():
    code = "import sys; from rkmend.words import translator; translator('en')('Why'); print('gettext' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "False"
