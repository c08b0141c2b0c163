"""`explain`, and `convert` with an explanation, on the real toolkit."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import msgspec
import onnx
import pytest
from models import NO_RULES, x_xt_in_a_chain

from rkmend.diagnose.budget import Budget
from rkmend.explanation import Explanation, explain
from rkmend.paths import cache_dir
from rkmend.report.schema import report_schema

pytestmark = pytest.mark.toolkit
BUDGET = 220
"""Trials: 28 for the reduction and some 120 for the predicate and its picture, which may take three quarters of all."""


@pytest.fixture(scope="module")
def explained(workers, tmp_path_factory) -> tuple[Explanation, Path]:
    """The explanation of x_xt_in_a_chain and its folder."""
    folder = tmp_path_factory.mktemp("explained")
    onnx.save(x_xt_in_a_chain(), folder / "model.onnx")
    result = explain(folder / "model.onnx", target="rk3588", budget=Budget(trials=BUDGET), workers=workers)
    return result, folder / "model.repro"


def test_the_cause_names_what_is_needed(explained):
    cause = explained[0].cause
    assert cause.established and cause.confirmed_on.share >= 0.95 and cause.confirmed_on.total >= 40
    assert {atom.feature for atom in cause.predicate} == {
        "node 'transpose' (Transpose) is there",
        "node 'matmul' (MatMul) is there",
        "axis 2 of 'c'",
    }
    assert all(atom.feature in cause.text for atom in cause.predicate)
    assert "当且仅当" in cause.text_zh and " is there" not in cause.text_zh
    assert "axis 1 of 'c'" in cause.without_influence


def test_what_was_tried_is_there(explained):
    cause = explained[0].cause
    groups = {experiment.group for experiment in cause.experiments}
    assert groups == {"factor", "advice", "surroundings"}
    assert all(bool(e.observation) == (not e.reason) for e in cause.experiments)
    assert cause.clock.keys() == {"predicate", "advice", "surroundings"}
    assert sum(cause.clock.values()) <= cause.seconds + 0.002  # all four are rounded to milliseconds
    assert 0 < cause.trials <= BUDGET


def test_the_files(explained):
    result, folder = explained
    written = json.loads((folder / "explanation.json").read_bytes())
    assert msgspec.convert(written, Explanation) == result
    (schema,), parts = msgspec.json.schema_components([Explanation], ref_template="#/$defs/{name}")
    jsonschema.validate(written, {**schema, "$defs": parts})
    assert all(Path(path).is_file() for path in result.cause.files.values())
    svg = ElementTree.parse(folder / "frontier.svg").getroot()
    drawn = " ".join(text for element in svg.iter() for text in [element.text or ""])
    assert svg.tag.endswith("svg") and all(name in drawn for name in result.cause.deciding)
    assert (folder / "frontier.png").read_bytes().startswith(b"\x89PNG")
    issue = (folder / "issue.md").read_text()
    assert result.cause.text in issue and result.cause.text_zh in issue
    assert not list((cache_dir() / "scratch").glob("run-*"))


@pytest.mark.parametrize(
    ("trials", "phase"),
    [(4, "while the model was being reduced"), (18, "the part of the budget that is for it was spent")],
)
def test_when_the_budget_is_spent_what_is_known_is_told(explained, workers, tmp_path, trials, phase):
    """The reproducer as the model: the reduction takes some ten trials, all of them fresh."""
    repro = explained[1] / "repro.onnx"
    budget = Budget(trials=trials)
    out = tmp_path / "out"
    result = explain(repro, target="rk3588", out=out, budget=budget, cache=False, workers=workers)
    cause = result.cause
    assert not cause.established and phase in cause.text and "预算" in cause.text_zh
    if not result.reduction.unfinished:
        assert [e for e in cause.experiments if e.group == "factor" and e.observation]
    assert json.loads((out / "explanation.json").read_bytes())["cause"]["text"] == cause.text


@pytest.fixture
def failing(tmp_path) -> Path:
    onnx.save(x_xt_in_a_chain(), tmp_path / "model.onnx")
    return tmp_path / "model.onnx"


def report_of(out: Path) -> dict:
    report = json.loads((out / "report.json").read_bytes())
    jsonschema.validate(report, report_schema())
    assert all(Path(path).exists() for path in report["files"].values())
    return report


def test_convert_with_and_without_an_explanation(convert, explained, failing, tmp_path):
    out = tmp_path / "out"
    convert(failing, out=out, rules=NO_RULES)
    report = report_of(out)
    assert report["cause"] is None and "repro" not in report["files"] and not (out / "repro").exists()
    (out / "repro").mkdir()
    (out / "repro" / "of-an-earlier-run").touch()
    convert(failing, out=out, explain=Budget(trials=4), force=True, rules=NO_RULES)  # the rest is remembered
    report = report_of(out)
    assert report["status"] == "refused" and report["cause"]["established"]
    assert report["files"]["repro"] == str(out / "repro")
    assert report["cause"]["files"]["explanation"] == str(out / "repro" / "explanation.json")
    assert (out / "repro" / "issue.md").is_file() and not (out / "repro" / "of-an-earlier-run").exists()


def test_ctrl_c_while_it_explains_leaves_the_conversion_whole(explained, failing, tmp_path):
    out = tmp_path / "out"
    command = [
        sys.executable,
        "-m",
        "rkmend",
        "convert",
        str(failing),
        "--target",
        "rk3588",
        "--ignore",
        "ALL",
        "--out",
        str(out),
    ]
    front = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    for line in front.stderr:
        if "explaining the failure" in line:
            break
    else:
        pytest.fail("it never came to the explanation")
    time.sleep(0.3)
    family = descendants(front.pid)
    front.send_signal(signal.SIGINT)
    _, rest = front.communicate(timeout=60)
    assert front.returncode == 130 and "Traceback" not in rest
    until = time.monotonic() + 2  # seconds in which a killed process is reaped
    while any(Path(f"/proc/{pid}").exists() for pid in family) and time.monotonic() < until:
        time.sleep(0.02)
    assert family and not [pid for pid in family if Path(f"/proc/{pid}").exists()]
    report = report_of(out)
    assert report["status"] == "refused" and report["cause"] is None and "repro" not in report["files"]


def descendants(pid: int) -> set[int]:
    found = set()
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            found |= {int(child)} | descendants(int(child))
    return found
