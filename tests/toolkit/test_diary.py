"""What is read from the folder of a Trial that ended in whatever way."""

from __future__ import annotations

import signal

import msgspec
import pytest

from rkmend.targets import load_target
from rkmend.toolkit.diary import read_verdict
from rkmend.toolkit.environments import Toolkit
from rkmend.toolkit.trial import Trial
from rkmend.toolkit.verdict import Outcome, Stage
from rkmend.toolkit.worker import Ending


@pytest.mark.parametrize(
    ("lines", "stage", "seconds"),
    [
        (None, Stage.CONFIG, {}),
        ("", Stage.CONFIG, {}),
        ('{"stage": "lo', Stage.CONFIG, {}),
        ('{"stage": "load", "at": 3.0}\n', Stage.LOAD, {"load": 2.0}),
        (
            '{"stage": "load", "at": 3.0}\n{"stage": "build", "at": 4.5}\n{"sta',
            Stage.BUILD,
            {"load": 1.5, "build": 0.5},
        ),
    ],
)
def test_a_trial_that_was_killed_at_any_moment(tmp_path, lines, stage, seconds):
    """Before its process wrote anything, in the middle of a line, and later."""
    if lines is not None:
        (tmp_path / "diary.jsonl").write_text(lines)
    toolkit = Toolkit("2.3.2", tmp_path / "python", "f")
    trial = Trial("killed", tmp_path / "m.onnx", "d", load_target("rk3588"), toolkit)
    ending = Ending(None, signal.SIGKILL, "outside", 0, 4.0)
    verdict = read_verdict(trial, ending, tmp_path, started=1.0)
    assert verdict.outcome is Outcome.KILLED
    assert (verdict.stage, verdict.stage_seconds) == (stage, seconds)


@pytest.mark.parametrize(
    ("found", "says"),
    [
        ({"cosine": 0.5}, "on sample ramp: cosine 0.500000, largest difference 3 (largest value 4)"),
        ({"cosine": 1.0, "finite": False}, "on sample ramp: NaN or infinities where there are none"),
        ({"cosine": 0.0, "shape_ok": False}, "on sample ramp: another shape"),
    ],
)
def test_what_is_said_of_wrong_numbers(tmp_path, found, says):
    """Of the worst: numbers that are none come before all cosines, and their cosine says nothing."""
    numbers = {"output": "y", "max_abs": 3.0, "max_rel": 0.75, "reference_max": 4.0}
    pair = [{**numbers, "sample": "normal", "cosine": 0.6}, {**numbers, "sample": "ramp", **found}]
    events = [{"stage": "done", "at": 1.0}, *({"agreement": one} for one in pair), {"returned": 0}]
    (tmp_path / "diary.jsonl").write_bytes(b"\n".join(map(msgspec.json.encode, events)) + b"\n")
    trial = Trial(
        "wrong", tmp_path / "m.onnx", "d", load_target("rk3588"), Toolkit("2.3.2", tmp_path / "python", "f")
    )
    verdict = read_verdict(trial, Ending(0, None, None, 0, 1.0), tmp_path, started=0.0)
    assert verdict.outcome is Outcome.WRONG
    assert (
        verdict.message.startswith("2 of 2 comparisons differ, most of all output y ")
        and says in verdict.message
    )
