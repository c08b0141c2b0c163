"""The story of a cause: what is said, and that it fits the terminal."""

from __future__ import annotations

import click

from rkmend.diagnose.cause.predicate import Atom
from rkmend.diagnose.cause.record import Cause, Confirmation, Counterexample, Experiment
from rkmend.diagnose.oracle import Observation
from rkmend.report.cause_story import SHOWN_FACTORS, TABLE_WIDTH, cause_story
from rkmend.report.text import columns
from rkmend.words import ENGLISH, Say, translator

ABORTED = Observation("build: abort: Failed", "aborted", "E Failed", 0.2, False, "01-x")
CONVERTED = Observation(None, "converted", "", 0.2, False, "02-x", cycles=14_500_000)
FACTORS = [f"factor_{number}" for number in range(30)]
LONG = "an explanation of why it was not tried that goes on and on, word after word, far beyond the end of any line"


def experiment(group: str, change: str, outcome: str, seen: Observation | None = None, **more) -> Experiment:
    return Experiment(group, change, outcome, seen, **more)


def story(say: Say = ENGLISH, **changes) -> str:
    cause = {
        "established": True,
        "text": "Fails iff height >= 3. Confirmed on 47 of 48 fresh samples.",
        "text_zh": "",
        "predicate": (Atom("height", True, 3.0),),
        "domain": dict.fromkeys(FACTORS, "1 to 1198"),
        "confirmed_on": Confirmation(47, 48, 24, "at random"),
        "counterexamples": (Counterexample(dict.fromkeys(FACTORS, 7), True, CONVERTED),) * 5,
        "without_influence": tuple(FACTORS),
        "experiments": (
            experiment("factor", "height: 3 -> 2", "converted", CONVERTED),
            experiment(
                "advice", "split along the output channels into two Convs, joined", "converted", CONVERTED
            ),
            experiment("advice", "opset 19", "fails otherwise", ABORTED),
            experiment("advice", "onnxsim", "not tried", reason=LONG),
            experiment(
                "surroundings", "a surrounding " + "of a very long name " * 8, "no valid model", reason=LONG
            ),
        ),
        "trials": 321,
        "seconds": 65.43,
        "files": {"explanation": "out/explanation.json"},
    }
    return click.unstyle(cause_story(Cause(**{**cause, **changes}), say))


def test_what_is_said():
    text = story()
    flat = " ".join(text.split())
    assert text.startswith("Cause: Fails iff height >= 3.")
    assert "47 of 48 agree (24 said to fail, 24 said to convert; at random)" in flat
    assert "14,500,000 cycles" in text and "build: abort: Failed" in text
    assert "height: 3 -> 2" not in text  # single factors are many: the predicate says what came of them
    assert "321 trials, 65.4 s" in text and "out/explanation.json" in text


def test_tables_fit_and_reasons_are_cut_at_a_word():
    lines = story().splitlines()
    assert max(map(len, lines)) <= TABLE_WIDTH
    (cut,) = [line for line in lines if line.strip().startswith("onnxsim")]
    assert cut.endswith(" …") and f"{LONG} ".startswith(cut.rpartition("  ")[2].removesuffix("…"))
    assert any("split along the output channels into two Convs, joined  converted" in line for line in lines)


def test_long_lists_are_folded_and_counted():
    text = story()
    for head in ("Holds for", "Without influence, each on its own"):
        (paragraph,) = [part for part in text.split("\n\n") if part.startswith(head)]
        assert f"{len(FACTORS) - SHOWN_FACTORS} more" in paragraph and "factor_12" not in paragraph
    assert text.count("said: fails; converted") == 3 and "and 2 more" in text


def test_what_is_not_established_is_not_said_to_hold():
    text = story(established=False, text="Not established: because.", confirmed_on=None, counterexamples=())
    assert "Not established: because." in text
    assert not any(head in text for head in ("Holds for", "Fresh samples", "Against it", "Without influence"))


def test_nothing_tried_no_table():
    text = story(experiments=())
    assert "advice" not in text and "surroundings" not in text


def test_in_chinese():
    text = story(translator("zh"), text_zh="当且仅当 height >= 3 时失败。")
    assert text.startswith("根本原因：当且仅当 height >= 3 时失败。")
    assert "48 个中 47 个一致 (预测失败 24 个, 预测成功 24 个; at random)" in "".join(text.splitlines())
    rows = [line for line in text.splitlines() if "changes-model" in line]
    assert any(line.split()[0] == "沿输出通道拆成两个" for line in rows), rows
    assert {columns(line[: line.index("changes-model")]) for line in rows[:3]} == {
        columns(rows[0][: rows[0].index("changes-model")])
    }
    assert all(columns(line) <= TABLE_WIDTH for line in text.splitlines())
