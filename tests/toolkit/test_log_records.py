from __future__ import annotations

import pytest

from recorded_logs import VERSIONS, recorded
from rkmend.toolkit.log_clean import clean
from rkmend.toolkit.log_records import RegTask, config_failures, cpu_notes, regtasks, split_level

WIDE = "X tile buffer overflow! Failed to config layer: 'Conv:ReduceSum_2conv', Fatal Error input W too large"
OVERFLOW = [
    f"E RKNN: [10:00:00.000] {WIDE}",
    "E RKNN: [10:00:00.000] core_num 1 ori_Ih 1 ori_Iw 1 ori_Ic 147456 ori_Ib 1",
    "E RKNN: [10:00:00.000] ori_Kh 1 ori_Kw 1 ori_Kk 147456 ori_Kc 1 ori_Ksx 1 ori_Ksy 1",
    "E RKNN: [10:00:00.000] ori_Oh 1 oriOw 1 oriOc 147456 pad_t 0 pad_b 0 pad_l 0 pad_r 0,",
    "E RKNN: [10:00:00.000]  dilation_h 1 dilation_w 1 is_deconv 0,",
    "E RKNN: [10:00:00.000] Please help report this bug!",
]


@pytest.mark.parametrize(
    ("line", "level", "text"),
    [
        ("E RKNN: [12:00:00.000] REGTASK", "E", "REGTASK"),
        ("E RKNN: Invalid RKNN model version 6", "E", "Invalid RKNN model version 6"),
        ("W build: found outlier value", "W", "build: found outlier value"),
        ("D", "", "D"),
        ("D ", "D", ""),
        ("Killed", "", "Killed"),
    ],
)
def test_split_level(line: str, level: str, text: str) -> None:
    assert split_level(line) == (level, text)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_seed_failure_of_every_version(version: str) -> None:
    (failure,) = config_failures(clean(recorded(f"{version}-seed")))
    assert failure.fatal
    assert failure.reason == ""
    assert failure.core_num in (1, 3)  # whichever version of the layer the compiler gives up on first
    assert (failure.op_type, failure.node) == ("Conv", "/lila2/conv/conv/Conv")
    assert (failure.batch, failure.ic, failure.ih, failure.iw) == (1, 384, 126, 1198)
    assert (failure.kh, failure.kw, failure.kk, failure.kc) == (1, 1, 128, 384)
    assert (failure.stride_w, failure.stride_h, failure.dilation_h, failure.dilation_w) == (1, 1, 1, 1)
    assert (failure.oc, failure.oh, failure.ow, failure.is_deconv) == (128, 128, 1200, 0)
    assert (failure.pad_t, failure.pad_b, failure.pad_l, failure.pad_r) == (1, 1, 1, 1)
    assert failure.bottom_beyond_kernel


def test_the_warning_is_not_fatal_and_told_once() -> None:
    (failure,) = config_failures(clean(recorded("2.5.0-fallback")))  # printed five times
    assert not failure.fatal
    assert (failure.core_num, failure.iw, failure.dilation_h) == (3, 8191, None)
    assert not failure.bottom_beyond_kernel


def test_the_reason() -> None:
    (failure,) = config_failures(OVERFLOW)
    assert failure.fatal
    assert failure.reason == "X tile buffer overflow, input W too large"
    assert failure.node == "ReduceSum_2conv"


def test_cut_at_the_end() -> None:
    whole = "\n".join(OVERFLOW)
    (full,) = config_failures(OVERFLOW)
    for cut in range(len(whole) + 1):
        for failure in config_failures(whole[:cut].split("\n")):
            for field in ("core_num", "ih", "kc", "stride_h", "pad_t", "is_deconv"):
                seen, true = getattr(failure, field), getattr(full, field)
                assert seen is None or str(true).startswith(str(seen))  # a number itself may be cut


@pytest.mark.parametrize("cut", range(1, 6))
def test_cut_at_the_beginning(cut: int) -> None:
    failures = config_failures(OVERFLOW[cut:])
    if cut == 5:
        assert failures == ()
        return
    (failure,) = failures
    assert (failure.op_type, failure.node, failure.fatal, failure.is_deconv) == ("", "", True, 0)


def test_a_name_with_colons() -> None:
    (failure,) = config_failures(["E RKNN: Failed to config layer: 'Conv:model/Add:0_rs', Fatal Error"])
    assert (failure.op_type, failure.node) == ("Conv", "model/Add:0_rs")


@pytest.mark.parametrize("version", VERSIONS)
def test_registers(version: str) -> None:
    found = regtasks(clean(recorded(f"{version}-regtask")))
    assert found == (
        RegTask(target="v2", offset=0x403C, shift=0, limit=8191, value=0x20DF),
        RegTask(target="v2", offset=0x403C, shift=16, limit=8191, value=0x20CF),
    )


def test_a_register_that_was_cut() -> None:
    line = "E RKNN: REGTASK: The bit width of field value exceeds the limit, target: lite, offset: 0x1028"
    assert regtasks([line]) == (RegTask(target="lite", offset=0x1028, shift=None, limit=None, value=None),)


@pytest.mark.parametrize("version", ["2.3.2", "2.5.0"])
def test_cpu_notes(version: str) -> None:
    assert cpu_notes(clean(recorded(f"{version}-cpu"))) == ("Unkown op target: 0",)


def test_cpu_notes_tell_why() -> None:
    notes = cpu_notes(clean(recorded("2.3.2-transpose_rv1106")))
    assert len(notes) == 2
    assert "Transpose will fallback to CPU, because input shape has exceeded the max limit" in " ".join(notes)
    assert "detect pure cpu op model." in notes
