"""The cause in words."""

from __future__ import annotations

from rkmend.diagnose.cause import words
from rkmend.diagnose.cause.family import Feature
from rkmend.diagnose.cause.predicate import Atom, Predicate
from rkmend.diagnose.cause.record import Confirmation

FEATURES = [
    Feature("height", lambda _: 0),
    Feature(
        "row_entries",
        lambda _: 0,
        meaning="row_entries: buffer of a row.",
        meaning_zh="row_entries: 一行的缓存。",
    ),
    Feature("unused", lambda _: 0, meaning="unused: never said."),
    Feature("has bias", lambda _: 0, yes_no=True, name_zh="有 bias"),
]
TESTED = Confirmation(47, 48, 24, "at random")


def test_what_was_established():
    atoms = (
        Atom("row_entries", True, 2049.0),
        Atom("row_entries", False, 4096.0),
        Atom("has bias", False, 0.0, True),
    )
    english, chinese = words.in_words(Predicate(atoms), FEATURES, TESTED)
    assert english == (
        "Fails iff row_entries >= 2049 and row_entries <= 4096 and not (has bias). row_entries: buffer of a row. "
        "Confirmed on 47 of 48 fresh samples."
    )
    assert chinese == (
        "当且仅当 row_entries >= 2049 且 row_entries <= 4096 且 并非 (有 bias) 时失败。row_entries: 一行的缓存。"
        "在 48 个新样本上验证, 47 个一致。"
    )


def test_what_was_not():
    english, chinese = words.not_established(words.no_predicate(TESTED), ["batch", "width"])
    assert english == (
        "Not established: only 47 of 48 fresh samples agreed with the best simple predicate. Without influence, each "
        "on its own: batch, width."
    )
    assert chinese.startswith("未能确定原因: ") and chinese.endswith(
        "单独改变时没有影响的因素: batch, width。"
    )


def test_many_factors_are_counted():
    names = [f"f{number}" for number in range(words.SHOWN + 5)]
    english, chinese = words.not_established(words.REDUCING, names)
    assert english.endswith("f11 and 5 more.") and "等 17 项" in chinese


def test_every_reason_is_a_clause_in_both_languages():
    reasons = [
        words.REDUCING, words.LEARNING, words.NO_START, words.nothing_helped(3, 0), words.nothing_helped(3, 4),
        words.one_sided(8), words.no_predicate(None), words.no_predicate(TESTED),
    ]  # fmt: skip
    for english, chinese in reasons:
        assert english[0].islower() and not english.endswith(".")
        assert chinese[0] > "\u4e00" or chinese[0].isdigit()
        assert not chinese.endswith("。")
    assert len({english for english, _ in reasons}) == len(reasons)
