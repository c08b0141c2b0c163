from __future__ import annotations

import signal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recorded_logs import VERSIONS, recorded
from rkmend.toolkit.classify import ENDLESS, ExitStatus, classify
from rkmend.toolkit.inside.repetition import TAIL
from rkmend.toolkit.verdict import Outcome, Signature, Stage

CLEAN = ExitStatus(0, None, "itself")


def died(number: int, ended_by="itself") -> ExitStatus:
    return ExitStatus(None, number, ended_by)


def judge(log: str = "", status: ExitStatus = CLEAN, stage=Stage.BUILD, exception=None, returned=None):
    return classify(log=log, exit_status=status, stage=stage, exception=exception, returned=returned)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_seed_failure_is_one_failure_in_every_version(version: str) -> None:
    outcome, signature, message, notes, report = judge(recorded(f"{version}-seed"), died(signal.SIGABRT))
    assert outcome is Outcome.ABORTED
    assert signature == Signature(Stage.BUILD, "SIGABRT", "Failed to config layer")
    assert message.endswith("Failed to config layer: 'Conv:/lila2/conv/conv/Conv', Fatal Error")
    assert notes == ()
    assert report.config_failures[0].node == "/lila2/conv/conv/Conv"


def test_the_reason_is_part_of_the_signature_and_the_cores_are_not() -> None:
    log = recorded("2.3.2-seed")
    wide = log.replace("Failed to", "X tile buffer overflow! Failed to").replace(
        "Fatal Error", "Fatal Error input W too large"
    )
    _, signature, *_ = judge(wide, died(signal.SIGABRT))
    assert signature
    assert signature.message == "Failed to config layer: X tile buffer overflow, input W too large"
    _, one, *_ = judge(log.replace("core_num 3", "core_num 1"), died(signal.SIGABRT))
    _, three, *_ = judge(log, died(signal.SIGABRT))
    assert one == three


@pytest.mark.parametrize("version", VERSIONS)
def test_a_success(version: str) -> None:
    outcome, signature, message, notes, report = judge(
        recorded(f"{version}-success"), stage=Stage.DONE, returned=0
    )
    assert (outcome, signature, message, notes) == (Outcome.CONVERTED, None, "", ())
    assert report.layers


@pytest.mark.parametrize("version", VERSIONS)
def test_an_exported_file_with_a_register_overflow_is_unsound(version: str) -> None:
    for stage in (Stage.EXPORT, Stage.DONE):
        outcome, signature, message, *_ = judge(recorded(f"{version}-regtask"), stage=stage, returned=0)
        assert outcome is Outcome.UNSOUND
        assert signature == Signature(Stage.BUILD, "REGTASK", "offset 0x403c")
        assert "REGTASK" in message


@pytest.mark.parametrize("version", ["2.3.2", "2.5.0"])
def test_a_cpu_placement_is_a_note(version: str) -> None:
    outcome, _, _, notes, _ = judge(recorded(f"{version}-cpu"), stage=Stage.DONE, returned=0)
    assert outcome is Outcome.CONVERTED
    (note,) = notes
    assert (
        "Unkown op target: 0 (1 line): Printed once for an operator that the compiler leaves to the CPU"
        in note
    )


def test_a_fallback_is_a_note() -> None:
    outcome, _, _, notes, _ = judge(recorded("2.5.0-fallback"), stage=Stage.DONE, returned=0)
    assert outcome is Outcome.CONVERTED
    assert len(notes) == 1
    assert "(5 lines)" in notes[0]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_crash_without_a_word_is_known_by_its_pass(version: str) -> None:
    outcome, signature, message, *_ = judge(recorded(f"{version}-segfault"), died(signal.SIGSEGV))
    assert outcome is Outcome.ABORTED
    assert signature == Signature(Stage.BUILD, "SIGSEGV", "in OpEmit")
    assert message == "SIGSEGV in OpEmit, without a message"


def test_last_words() -> None:
    _, signature, message, *_ = judge(recorded("2.3.2-range_check"), died(signal.SIGABRT))
    assert signature
    assert (
        signature.message == "what(): vector::_M_range_check: __n (which is #) >= this->size() (which is #)"
    )
    assert "std::out_of_range" in message
    _, signature, *_ = judge(recorded("2.3.2-dtype"), died(signal.SIGABRT))
    assert signature == Signature(Stage.BUILD, "SIGABRT", "Not Support Dtype: #. please check precision!")


def test_harmless_and_exported_errors_are_no_last_words() -> None:
    log = (
        "E RKNN: [10:00:00.000] Unkown op target: 0\n"
        "E RKNN: [10:00:00.000] REGTASK: The bit width of field value exceeds the limit"
    )
    _, signature, *_ = judge(log, died(signal.SIGSEGV))
    assert signature == Signature(Stage.BUILD, "SIGSEGV", "")


@pytest.mark.parametrize("before", ["", "E RKNN: [10:00:00.000] Unkown op target: 0\n"])
def test_a_simulator_that_ends_the_process_is_known_by_its_words(before: str) -> None:
    log = before + recorded("2.3.2-scale_count")
    outcome, signature, message, *_ = judge(log, ExitStatus(1, None, "itself"), Stage.SIMULATE)
    assert outcome is Outcome.REJECTED
    assert signature == Signature(Stage.SIMULATE, "exit 1", "scale_inf.shape error!")
    assert message.endswith("scale_inf.shape error!")


def wrapped(log: str) -> tuple[str, str]:
    """What Python sees of a failed build: a ValueError with the traceback as its message."""
    return "ValueError", log.rpartition("\nValueError: ")[2]


@pytest.mark.parametrize("version", VERSIONS)
def test_an_exception_is_known_by_what_the_toolkit_wrapped(version: str) -> None:
    log = recorded(f"{version}-exception")
    outcome, signature, message, *_ = judge(log, exception=wrapped(log))
    assert outcome is Outcome.REJECTED
    assert signature == Signature(Stage.BUILD, "KeyError", "'…' (in rule convert_layernorm_to_exnorm)")
    assert message == "KeyError: 'LayerNormalization'"


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("2.3.2-fold_constant", "KeyError", "'…' (in fold_constant)"),
        ("2.3.2-correct_ops", "IndexError", "list index out of range (in correct_ops)"),
        (
            "2.3.2-dynamic_graph",
            "ValueError",
            "The input # of TopK('…') need to be constant! It will cause the graph to be a dynamic graph!",
        ),
        ("2.3.2-opset", "ValueError", "Unsupport onnx opset #, need <= #!"),
        ("2.5.0-fuse_rule", "ValueError", "assignment destination is read-only (in rule fuse_pad_into_conv)"),
        (
            "2.5.0-random_node",
            "ValueError",
            "Found Random node '…', which is not supported, please remove it manually and try again!",
        ),
    ],
)  # fmt: skip
def test_signatures_of_exceptions(name: str, kind: str, message: str) -> None:
    log = recorded(name)
    outcome, signature, *_ = judge(log, exception=wrapped(log))
    assert outcome is Outcome.REJECTED
    assert signature == Signature(Stage.BUILD, kind, message)


def test_an_exception_that_the_log_does_not_show() -> None:
    _, signature, message, *_ = judge(
        exception=("RuntimeError", "the simulator returned nothing"), stage=Stage.SIMULATE
    )
    assert signature == Signature(Stage.SIMULATE, "RuntimeError", "the simulator returned nothing")
    assert message == "RuntimeError: the simulator returned nothing"


def test_a_return_value() -> None:
    log = recorded("2.3.2-needs_quantization")
    outcome, signature, message, *_ = judge(log, returned=-1)
    assert outcome is Outcome.REJECTED
    assert signature
    assert signature.kind == "returned -1"
    assert signature.message.endswith("not support do_quantization = False!")
    assert message == "E build: Current target_platform(rv1106) not support do_quantization = False!"


@pytest.mark.parametrize(
    ("status", "log", "exception", "outcome"),
    [
        (died(signal.SIGKILL, "time limit"), "", None, Outcome.HUNG),
        (died(signal.SIGKILL, "memory limit"), "", None, Outcome.EXHAUSTED),
        (died(signal.SIGKILL, "outside"), "", None, Outcome.KILLED),
        (died(signal.SIGTERM, "outside"), "", None, Outcome.KILLED),
        (died(signal.SIGKILL), "", None, Outcome.KILLED),
        (died(signal.SIGABRT), "what(): std::bad_alloc", None, Outcome.EXHAUSTED),
        (died(signal.SIGFPE), "", None, Outcome.ABORTED),
        (died(signal.SIGBUS), "", None, Outcome.ABORTED),
        (died(signal.SIGILL), "", None, Outcome.ABORTED),
        (CLEAN, "", ("MemoryError", ""), Outcome.EXHAUSTED),
        (CLEAN, "", ("RuntimeError", "std::bad_alloc"), Outcome.EXHAUSTED),
        (CLEAN, "", None, Outcome.REJECTED),
        (ExitStatus(3, None, "itself"), "", None, Outcome.REJECTED),
    ],
)  # fmt: skip
def test_outcomes(status: ExitStatus, log: str, exception, outcome: Outcome) -> None:
    found, signature, message, *_ = judge(log, status, exception=exception)
    assert found is outcome
    assert signature
    assert message or exception


def test_out_of_memory_inside_a_rule() -> None:
    log = recorded("2.2.0-out_of_memory")
    outcome, signature, message, *_ = judge(log, exception=wrapped(log))
    assert outcome is Outcome.EXHAUSTED
    assert signature == Signature(Stage.BUILD, "exhausted", "")
    assert message.startswith("Unable to allocate 256. GiB")


def test_a_hang_is_known_by_its_pass() -> None:
    log = recorded("2.3.2-segfault")
    _, signature, message, *_ = judge(log, died(signal.SIGKILL, "time limit"))
    assert signature == Signature(Stage.BUILD, "hung", "in OpEmit")
    assert message == "still in OpEmit when the time limit passed"


def test_a_circle_is_known_by_its_rules() -> None:
    lines = "D     undo: remove node = ['a']\nD     redo: remove node = ['b']\n"
    outcome, signature, message, *_ = judge(lines * TAIL, died(signal.SIGKILL, "repetition"))
    assert outcome is Outcome.HUNG
    assert signature == Signature(Stage.BUILD, ENDLESS, "redo, undo")
    assert "undo one another for ever: redo, undo" in message


NUMBERS = st.integers(1, 10**5)
NAMES = st.from_regex(r"(?:/[a-z][a-z0-9_]{0,6}){1,3}", fullmatch=True)


@given(NAMES, NUMBERS, NUMBERS, st.times())
@settings(deadline=None)
def test_another_model_that_fails_alike_has_an_equal_signature(
    name: str, height: int, width: int, at
) -> None:
    log = recorded("2.3.2-seed")
    other = log.replace("/lila2/conv/conv/Conv", name).replace("126", str(height)).replace("1198", str(width))
    other = other.replace("12:58:01.676", at.strftime("%H:%M:%S.000"))
    assert judge(other, died(signal.SIGABRT))[1] == judge(log, died(signal.SIGABRT))[1]
    log = recorded("2.3.2-dynamic_graph")
    other = log.replace("/model.1/TopK", name).replace("input 1", f"input {height}")
    assert judge(other, exception=wrapped(other))[1] == judge(log, exception=wrapped(log))[1]


@given(st.text(), st.one_of(st.none(), st.tuples(st.text(), st.text())), st.sampled_from(Stage))
@settings(deadline=None)
def test_any_log_and_exception_can_be_judged(log: str, exception, stage: Stage) -> None:
    outcome, signature, *_ = judge(log, stage=stage, exception=exception, returned=0)
    assert (signature is None) == (outcome is Outcome.CONVERTED)
