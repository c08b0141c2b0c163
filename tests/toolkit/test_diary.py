"""What is read from the folder of a Trial that ended in whatever way."""

from __future__ import annotations

import signal

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
