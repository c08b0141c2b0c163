"""`rkmend explain` as a user meets it."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import onnx
import pytest
from models import chain, x_xt_in_a_chain


def rkmend(*arguments: object) -> tuple[int, str, str]:
    command = [sys.executable, "-m", "rkmend", "explain", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def failing(tmp_path) -> Path:
    onnx.save(x_xt_in_a_chain(), tmp_path / "model.onnx")
    return tmp_path / "model.onnx"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--target", "rk9999"], "rk9999"),
        (["--target", "rv1103"], "int8"),
        (["--target", "rk3588", "--budget", "soon"], "no budget"),
        (["--target", "rk3588", "--jobs", "0"], "--jobs"),
        (["--target", "rk3588", "--seed", "-1"], "--seed"),
        (["--target", "rk3588", "--trial-seconds", "0"], "--trial-seconds"),
        ([], "--target"),
    ],
)
def test_bad_input(failing, arguments, said):
    status, _, err = rkmend(failing, *arguments)
    assert status == 2 and said in err
    assert [path.name for path in failing.parent.iterdir()] == ["model.onnx"]


def test_no_model(tmp_path):
    status, _, err = rkmend(tmp_path / "none.onnx", "--target", "rk3588")
    assert status == 2 and "none.onnx" in err


@pytest.mark.toolkit
def test_a_model_that_converts(toolkit, tmp_path):
    onnx.save(chain(2), tmp_path / "model.onnx")
    status, out, err = rkmend(tmp_path / "model.onnx", "--target", "rk3588", "-q")
    assert status == 1 and "does not fail" in err and not out


@pytest.mark.toolkit
def test_what_is_not_established_within_the_budget_is_told_and_is_status_1(toolkit, failing):
    # without the cache: trials that other tests have left there cost nothing of the budget
    status, out, err = rkmend(failing, "--target", "rk3588", "--budget", "40", "--no-cache")
    assert status == 1
    assert "Cause: Not established: " in out and "Common advice, tried:" in out
    assert "one factor at a time" in err
    assert (failing.with_name("model.repro") / "explanation.json").is_file()
    status, _, err = rkmend(failing, "--target", "rk3588")
    assert status == 2 and "is not empty" in err


@pytest.mark.toolkit
def test_ctrl_c_says_what_is_kept(toolkit, failing):
    command = [sys.executable, "-m", "rkmend", "explain", str(failing), "--target", "rk3588", "--no-cache"]
    front = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    for line in front.stderr:
        if "one factor at a time" in line:
            break
    front.send_signal(signal.SIGINT)
    _, err = front.communicate(timeout=60)
    assert front.returncode == 130 and "Traceback" not in err
    assert "the same command goes on from there" in err
    assert [path.name for path in failing.with_name("model.repro").iterdir()] == [".reduction"]
