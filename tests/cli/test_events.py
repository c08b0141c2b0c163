"""`--events` as another program reads it, while the command runs and when it is ended from outside."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import jsonschema
import onnx
import pytest
from graphs import model, node, value

from rkmend.report.schema import events_schema

VALIDATOR = jsonschema.Draft202012Validator(events_schema())
FAILS = """sh -c '! grep -q Erf "$1"' sh {}"""
"""A converter that cannot bear an Erf."""
SLOW = "sh -c 'sleep 60; false' sh {}"


def chain(path: Path) -> Path:
    onnx.save(
        model(
            [node("Relu", "x", "a"), node("Erf", "a", "b"), node("Abs", "b", "y")],
            [value("x", [1, 4])], [value("y", [1, 4])],
        ),
        path,
    )  # fmt: skip
    return path


def started(tmp_path: Path, check: str, *more: str) -> subprocess.Popen[str]:
    command = [
        sys.executable,
        "-m",
        "rkmend",
        "reduce",
        str(chain(tmp_path / "net.onnx")),
        "--check",
        check,
        "-q",
    ]
    return subprocess.Popen(
        [*command, "--jobs", "1", *more], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "RKMEND_CACHE": str(tmp_path / "cache")},
    )  # fmt: skip


def events(text: str) -> list[dict]:
    told = [json.loads(line) for line in text.splitlines()]
    for event in told:
        VALIDATOR.validate(event)
    assert told[0]["kind"] == "begun" and text.endswith("\n")
    return told


def test_a_reduction_to_its_end(tmp_path):
    file = tmp_path / "events.jsonl"
    out, errors = (run := started(tmp_path, FAILS, "--events", str(file))).communicate(timeout=120)
    assert run.returncode == 0, errors
    told = events(file.read_text())
    assert told[-1]["kind"] == "finished" and told[-1]["status"] == "reduced" and told[-1]["exit"] == 0
    assert Path(told[-1]["files"]["repro"]).exists()
    assert min(event["nodes"] for event in told if event["kind"] == "candidate") == 1
    assert out.startswith("reduced: ")


def test_a_dash_prints_them_in_the_place_of_the_story(tmp_path):
    out, _errors = started(tmp_path, FAILS, "--events", "-").communicate(timeout=120)
    assert events(out)[-1]["kind"] == "finished"


def test_what_went_wrong_is_the_last_event(tmp_path):
    out, errors = (run := started(tmp_path, "true {}", "--events", "-")).communicate(timeout=120)
    last = events(out)[-1]
    assert run.returncode == last["exit"] == 1 and last["kind"] == "failed" and last["message"] in errors


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_lines_are_whole_when_the_command_is_ended(tmp_path, number):
    run = started(tmp_path, SLOW, "--events", "-")
    first = run.stdout.readline() + run.stdout.readline()
    run.send_signal(number)
    rest, _errors = run.communicate(timeout=60)
    assert run.returncode == 130
    last = events(first + rest)[-1]
    assert (last["kind"], last["exit"]) == ("interrupted", 130)


def test_events_never_replace_the_model(tmp_path):
    path = tmp_path / "net.onnx"
    _out, errors = (run := started(tmp_path, FAILS, "--events", str(path))).communicate(timeout=60)
    assert run.returncode == 2 and "the model itself" in errors
    onnx.checker.check_model(str(path))
