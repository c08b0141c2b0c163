from __future__ import annotations

import pytest

from golden import check_golden
from recorded_logs import FOLDER, RECORDED, recorded
from rkmend.report.log_story import NOT_A_LOG, layer_in_words, log_story
from rkmend.rules import get_rule
from rkmend.toolkit.log import ConfigFailure, parse_log
from rkmend.toolkit.log_classes import all_classes

GOLDEN = [name for name in RECORDED if (FOLDER / f"{name}.story.txt").exists()]


@pytest.mark.parametrize("name", GOLDEN)
def test_the_story_of_a_recorded_log(name: str) -> None:
    check_golden(FOLDER / f"{name}.story.txt", log_story(parse_log(recorded(name))))


def test_every_kind_of_ending_has_a_golden_story() -> None:
    kinds = {name.partition("-")[2] for name in GOLDEN}
    assert kinds >= {
        "seed",
        "success",
        "exception",
        "segfault",
        "regtask",
        "cpu",
        "fallback",
        "dynamic_shape",
    }


def failure(**fields) -> ConfigFailure:
    return ConfigFailure(**{"op_type": "Conv", "node": "/c", "fatal": True, "reason": ""} | fields)


SEED = {
    "batch": 1, "ih": 126, "iw": 1198, "ic": 384, "kh": 1, "kw": 1, "kk": 128, "kc": 384, "stride_w": 1, "stride_h": 1,
    "oh": 128, "ow": 1200, "oc": 128, "pad_t": 1, "pad_b": 1, "pad_l": 1, "pad_r": 1,
    "dilation_h": 1, "dilation_w": 1, "is_deconv": 0,
}  # fmt: skip


SHAPES = "input 384x126x1198, output 128x128x1200"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, f"Conv 1x1, stride 1, {SHAPES}, pads t1 b1 l1 r1"),
        ({"pad_t": 0, "pad_b": 0, "pad_l": 0, "pad_r": 0}, f"Conv 1x1, stride 1, {SHAPES}, no padding"),
        ({"kc": 1}, f"depthwise Conv 1x1, stride 1, {SHAPES}, pads t1 b1 l1 r1"),
        ({"kc": 96}, f"Conv 1x1 in 4 groups, stride 1, {SHAPES}, pads t1 b1 l1 r1"),
        ({"kh": 3, "stride_h": 2}, f"Conv 3x1, stride 2x1, {SHAPES}, pads t1 b1 l1 r1"),
        (
            {"dilation_w": 2, "batch": 4},
            f"Conv 1x1, stride 1, dilation 1x2, batch 4, {SHAPES}, pads t1 b1 l1 r1",
        ),
        ({"is_deconv": 1}, f"ConvTranspose 1x1, stride 1, {SHAPES}, pads t1 b1 l1 r1"),
        ({"pad_r": None}, f"Conv 1x1, stride 1, {SHAPES}, pads t1 b1 l1 r?"),
    ],
)
def test_a_layer_in_words(fields: dict[str, int], words: str) -> None:
    assert layer_in_words(failure(**{**SEED, **fields})) == words


def test_a_layer_of_which_nothing_is_left() -> None:
    words = layer_in_words(ConfigFailure(op_type="", node="", fatal=True, reason=""))
    assert words == "layer ?x?, stride ?, input ?x?x?, output ?x?x?, pads t? b? l? r?"


@pytest.mark.parametrize(
    ("fields", "beyond"),
    [
        ({}, True),
        ({"pad_b": 0}, False),
        ({"kh": 3}, False),
        ({"kh": 3, "pad_b": 3}, True),
        ({"kh": 3, "pad_b": 3, "dilation_h": 2}, False),
        ({"is_deconv": 1}, False),
        ({"pad_b": None}, False),
    ],
)
def test_the_rule_is_named_only_where_its_condition_holds(fields: dict[str, int], beyond: bool) -> None:
    assert failure(**{**SEED, **fields}).bottom_beyond_kernel is beyond


def test_the_rule_is_not_told_where_the_padding_is_fine() -> None:
    log = recorded("2.3.2-seed")
    assert "rkmend rule RKM101" in log_story(parse_log(log))
    assert "rkmend rule RKM101" in log_story(parse_log(log[: log.index("pad_t")]))
    assert "rkmend rule RKM101" not in log_story(parse_log(log.replace("pad_b 1", "pad_b 0")))


def test_headings_are_emphasised() -> None:
    story = log_story(parse_log(recorded("2.3.2-seed")), lambda text: f"<{text}>")
    assert "\n<Where>\n" in story


def test_no_log_at_all() -> None:
    assert log_story(parse_log("hello")) == NOT_A_LOG


@pytest.mark.parametrize("name", RECORDED)
def test_lines_of_the_story_are_not_too_long(name: str) -> None:
    """What rkmend says fits a terminal; only what the toolkit said, and names, may be longer."""
    report = parse_log(recorded(name))
    quoted = {sighting.line for sighting in report.sightings} | {error.raw for error in report.errors}
    for line in log_story(report).splitlines():
        assert len(line) <= 100 or any(line.strip().startswith(text) for text in quoted)


def test_the_rules_that_classes_point_to_exist() -> None:
    for kind in all_classes():
        if kind.rule:
            assert get_rule(kind.rule).code == kind.rule
