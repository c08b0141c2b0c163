from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recorded_logs import PASTED, RECORDED, VERSIONS, recorded
from rkmend.toolkit.log import LogReport, parse_log
from rkmend.toolkit.log_clean import clean
from rkmend.toolkit.verdict import Stage


def facts(report: LogReport) -> dict[str, object]:
    """What must not depend on how a log was pasted."""
    exception = report.exception
    return {
        "version": report.toolkit_version,
        "stage": report.stage,
        "pass": report.unfinished_pass,
        "failures": report.config_failures,
        "registers": report.regtasks,
        "layers": report.layers,
        "memory": report.memory_kb,
        "classes": {kind.code for kind in report.classes},
        # a long message of its own may be the only line that was folded, so that nobody can tell how
        "exception": exception
        and (
            exception.kind,
            exception.rule,
            exception.node,
            exception.where,
            "".join(exception.message.split())[:60],
        ),
    }


@pytest.mark.parametrize("paste", PASTED)
def test_the_same_facts_however_it_was_pasted(paste: str) -> None:
    for name in RECORDED:
        plain = "\n".join(clean(recorded(name), pasted=False))
        assert facts(parse_log(PASTED[paste](plain))) == facts(parse_log(plain, pasted=False)), name


@pytest.mark.parametrize("name", RECORDED)
def test_the_same_facts_with_colours_and_progress_bars(name: str) -> None:
    assert facts(parse_log(recorded(name))) == facts(parse_log(recorded(name), pasted=False))


@pytest.mark.parametrize(
    ("name", "stage", "unfinished"),
    [
        ("seed", Stage.BUILD, "RKNNTilingPass"),
        ("success", Stage.SIMULATE, ""),
        ("exception", Stage.BUILD, ""),
        ("segfault", Stage.BUILD, "OpEmit"),
        ("regtask", Stage.EXPORT, ""),
        ("cpu", Stage.EXPORT, ""),
    ],
)
@pytest.mark.parametrize("version", VERSIONS)
def test_how_far_it_came(version: str, name: str, stage: Stage, unfinished: str) -> None:
    report = parse_log(recorded(f"{version}-{name}"))
    assert report.toolkit_version == version
    assert (report.stage, report.unfinished_pass, report.on_board) == (stage, unfinished, False)
    assert report.recognised


def test_the_stage_of_a_model_that_does_not_load() -> None:
    assert parse_log(recorded("2.3.2-opset")).stage is Stage.LOAD


def test_the_last_of_several_conversions_counts() -> None:
    both = parse_log(recorded("2.3.2-seed") + recorded("2.3.2-opset"))
    assert both.stage is Stage.LOAD
    assert both.unfinished_pass == ""


def test_toolkit_1_mangles_its_passes() -> None:
    log = "D RKNN: [15:13:15.900] >>>>>> start: N4rknn26RKNNCPUWeightTransposePassE\n"
    assert parse_log(log).unfinished_pass == "RKNNCPUWeightTransposePass"
    assert parse_log(log + log.replace(">>>>>> start", "<<<<<<<< end")).unfinished_pass == ""


def test_a_boards_log() -> None:
    report = parse_log(
        "I RKNN: [10:00:00.000] RKNN Runtime Information, librknnrt version: 2.3.0\n"
        "E RKNN: [10:00:00.000] failed to submit!, op id: 1, op name: Conv:/model.0/conv/Conv, flags: 0x5\n"
        "rknn_run fail! ret=-1\n"
    )
    assert report.on_board
    assert report.stage is None
    assert [kind.code for kind in report.classes] == ["submit-failed"]
    assert report.errors[-1].raw == "rknn_run fail! ret=-1"


def test_error_lines_alike_are_told_once() -> None:
    (error,) = parse_log(recorded("2.3.2-regtask")).errors
    assert error.count == 14
    assert error.raw.startswith("E RKNN: [")
    assert error.normalised.startswith("REGTASK: The bit width of field value exceeds the limit, target: v#")


def test_the_fields_of_a_block_are_no_errors_of_their_own() -> None:
    (error,) = parse_log(recorded("2.3.2-seed")).errors
    assert error.raw.endswith("Failed to config layer: 'Conv:/lila2/conv/conv/Conv', Fatal Error")


def test_an_exception_counts_as_an_error_unless_a_line_told_it() -> None:
    assert [error.raw for error in parse_log(recorded("2.3.2-exception")).errors] == [
        "KeyError: 'LayerNormalization'"
    ]
    assert [error.raw for error in parse_log(recorded("2.3.2-opset")).errors] == [
        "E load_onnx: Unsupport onnx opset 21, need <= 19!"
    ]


@pytest.mark.parametrize("text", ["", "\n\n", "hello", "I think it fails", "Dear all,\nit does not work."])
def test_what_is_no_log_is_not_recognised(text: str) -> None:
    assert not parse_log(text).recognised


@pytest.mark.parametrize("name", ["2.3.2-seed", "2.3.2-exception", "2.5.0-regtask"])
def test_cut_anywhere(name: str) -> None:
    """Whatever is read from a cut log is also in the whole one, or is said more generally."""
    text = recorded(name)
    whole = parse_log(text)
    for cut in range(0, len(text), 61):
        for part in (text[:cut], text[cut:]):
            report = parse_log(part)
            new = {kind.code for kind in report.classes} - {kind.code for kind in whole.classes}
            assert new <= {"fold-constant", "graph-optimiser"}
            assert len(report.config_failures) <= 1
            assert report.toolkit_version in ("", *(whole.toolkit_version[:end] for end in range(1, 6)))


@given(st.text() | st.binary().map(lambda data: data.decode("utf-8", errors="replace")))
@settings(deadline=None)
def test_any_text_can_be_read(text: str) -> None:
    assert isinstance(parse_log(text), LogReport)


LINES = st.sampled_from(sorted({line for name in RECORDED for line in recorded(name).split("\n")}))


@given(st.lists(st.tuples(LINES, st.integers(0, 200)), max_size=30), st.sampled_from(list(PASTED)))
@settings(deadline=None)
def test_any_shuffle_of_cut_lines_can_be_read(lines: list[tuple[str, int]], paste: str) -> None:
    text = PASTED[paste]("\n".join(line[cut:] if cut % 2 else line[: cut + 1] for line, cut in lines))
    assert isinstance(parse_log(text), LogReport)


def test_five_megabytes_take_seconds() -> None:
    text = recorded("2.3.2-regtask") + recorded("2.3.2-seed") + recorded("2.3.2-exception")
    text *= 5_000_000 // len(text) + 1
    started = time.process_time()
    parse_log(text)
    # 2 s on the machine this was written on, when it is idle; the rest is for slower and busier ones
    assert time.process_time() - started < 8


@pytest.mark.parametrize(
    "nasty", [" ", "'", "[(", "/a", "a_", "a.", ">", "&", "\x1b[", "<pre ", "core_num 1 ", "1", "E '"]
)
def test_time_grows_with_the_length_and_not_with_its_square(nasty: str) -> None:
    """A quadratic pattern would take minutes for a line like this."""
    started = time.process_time()
    parse_log("E RKNN: " + nasty * (1_000_000 // len(nasty)))
    assert time.process_time() - started < 5
