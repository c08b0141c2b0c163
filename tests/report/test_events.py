"""Events: one a line, each as the schema says, and the last one says how it ended."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import jsonschema
import pytest

from rkmend.errors import InputError
from rkmend.pipeline import Progress
from rkmend.report.event_sources import told_of
from rkmend.report.events import Begun, Finished, Stream, ending, opened
from rkmend.report.schema import events_schema
from rkmend.toolkit.verdict import Outcome, Signature, Stage, Verdict

VALIDATOR = jsonschema.Draft202012Validator(events_schema())


@pytest.fixture
def lines() -> list[bytes]:
    return []


@pytest.fixture
def stream(lines) -> Stream:
    return Stream(lines.append)


def read(lines: list[bytes]) -> list[dict]:
    events = []
    for line in lines:
        assert line.endswith(b"\n") and line.count(b"\n") == 1
        events.append(json.loads(line))
        VALIDATOR.validate(events[-1])
    return events


def verdict(outcome: Outcome) -> Verdict:
    signature = None if outcome is Outcome.CONVERTED else Signature(Stage.BUILD, "SIGABRT", "a\nb\u2028c")
    return Verdict(outcome, Stage.BUILD, signature, "m", (), {}, (), (), 1.23456, {}, cached=True)


def test_every_kind_keeps_to_the_schema(stream, lines):
    stream.tell(Begun, command="convert", rkmend="0", model="net.onnx", target=None)
    stream.step("reading the model")
    stream.install("making the virtual environment", 0.1)
    stream.trial("the model as it is", None)
    for outcome in Outcome:
        stream.trial("the model as it is", verdict(outcome))
    stream.candidate(3, 10, 2, "without Relu")
    stream.tell(Finished, status="mended", exit=0, files={"rknn": "a.rknn"})
    events = read(lines)
    kinds = {"begun", "step", "install", "trial-begun", "trial-ended", "candidate", "finished"}
    assert {event["kind"] for event in events} == kinds
    ended = next(event for event in events if event["kind"] == "trial-ended")
    assert (ended["remembered"], ended["cycles"], ended["seconds"]) == (True, None, 1.235)


def test_the_schema_would_object():
    assert not VALIDATOR.is_valid(
        {"kind": "step", "schema": "rkmend-events/1", "time": "now", "elapsed": "soon"}
    )


def test_times_never_go_back_and_lines_are_whole_whoever_tells(stream, lines):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: stream.step(str(number) * 100), range(200)))
    elapsed = [event["elapsed"] for event in read(lines)]
    assert len(elapsed) == 200 and elapsed == sorted(elapsed)


@pytest.mark.parametrize(
    ("error", "kind", "exit"),
    [(KeyboardInterrupt(), "interrupted", 130), (InputError("no", hint="do"), "failed", 2)],
)
def test_how_it_ended(stream, lines, error, kind, exit):
    with pytest.raises(type(error)), ending(stream):
        raise error
    (event,) = read(lines)
    assert (event["kind"], event["exit"]) == (kind, exit)


def test_progress_is_told_to_both(stream, lines):
    seen = []
    progress = told_of(stream, Progress(step=seen.append))
    progress.step("reading the model")
    progress.install("x", 0.5)
    assert seen == ["reading the model"] and [event["kind"] for event in read(lines)] == ["step", "install"]


def test_a_file_that_cannot_be_written(tmp_path):
    with pytest.raises(InputError, match="cannot write"), opened(str(tmp_path / "no" / "events")):
        pass
