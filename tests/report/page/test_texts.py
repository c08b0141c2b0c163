"""The sentences of the page are those of the terminal's story, in both languages."""

from __future__ import annotations

import click
import pytest
from graphs import linear
from page_results import refused

from rkmend.report.page.results import Results
from rkmend.report.page.texts import believed, headline, paragraphs, rule_texts, told_of
from rkmend.report.story import story
from rkmend.rules.registry import all_rules
from rkmend.words import Language


def plain(result, language: Language) -> str:
    """The story without folds and styles."""
    text = click.unstyle(story(result, language))
    return "".join(text.split())


def squeezed(text: str) -> str:
    return "".join(text.split())


@pytest.fixture
def result(tmp_path):
    return refused(linear(tmp_path / "m.onnx"), "mm").conversion


@pytest.mark.parametrize("language", list(Language))
def test_the_terminal_tells_the_same(result, language):
    told = plain(result, language)
    everything = [
        *([paragraphs(result)["why"], headline(result)]),
        *map(believed, result.findings),
        *told_of(result, {}).rejected_mends,
    ]
    for text in everything:
        assert squeezed(text.zh if language is Language.ZH else text.en) in told


def test_the_story_of_a_real_conversion_is_told_on_the_page(mended_results):
    result = Results.read(mended_results).conversion
    told = told_of(result, {0: ((0, 1), (2,))})
    (mend,) = told.mends
    for language in Language:
        text = plain(result, language)
        for part in (mend.summary, mend.exactness, mend.proof, mend.does_not_cover, mend.cost):
            assert squeezed(part.zh if language is Language.ZH else part.en) in text
    assert (mend.before, mend.after) == ((0, 1), (2,))
    assert told.verification[0].en.startswith("agrees: cosine ")
    assert told.verification[0].zh != told.verification[0].en
    assert len(told.trials) == len(result.trials)


def test_what_does_not_apply_is_not_there(result):
    assert set(paragraphs(result)) == {"why", "failure"}


def test_alternatives_are_those_at_the_same_place(mended_results):
    result = Results.read(mended_results).conversion
    (mend,) = told_of(result, {}).mends
    same = [one.nodes == result.mends[0].nodes for one in result.rejected_mends]
    assert mend.alternatives == tuple(place for place, alike in enumerate(same) if alike)


def test_every_rule_has_its_sections_in_both_languages():
    codes = {rule.code for rule in all_rules()}
    told = rule_texts(codes)
    assert set(told) == codes
    for rule in told.values():
        assert all(text.en and text.zh for text in (rule.title, rule.what, rule.does)), rule.code
        assert rule.title.en in rule.page


def test_a_rule_that_is_no_more_is_left_out(result):
    assert set(rule_texts({"RKM101", "RKM999"})) == {"RKM101"}


def test_a_finding_of_a_rule_that_is_no_more_keeps_its_message(result):
    import msgspec

    old = msgspec.structs.replace(result.findings[0], code="RKM999")
    assert believed(old).zh == believed(old).en == old.message
