"""`reduce` on the real toolkit: the demands on a reproducer, one by one."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import msgspec
import numpy as np
import onnx
import pytest
from graphs import model, node, value
from models import chain, two_culprits, x_xt_in_a_chain

from rkmend.diagnose.budget import Budget
from rkmend.diagnose.reduction.baseline import NoFailure
from rkmend.diagnose.reduction.record import Reduction
from rkmend.errors import InputError
from rkmend.paths import cache_dir
from rkmend.reduction import Check, Watcher, reduce

pytestmark = pytest.mark.toolkit


def operators(reduction: Reduction) -> list[str]:
    return [facts.operator for facts in reduction.nodes]


def assert_minimal(reduction: Reduction) -> None:
    assert reduction.minimal and not reduction.unfinished and not reduction.doubt and reduction.certificate
    for line in reduction.certificate:
        assert (line.observation is None) == bool(line.reason), line
        assert line.observation is None or line.observation.failure != reduction.failure, line
    assert len(reduction.final) == len(reduction.baseline) == 3
    assert {run.failure for run in (*reduction.baseline, *reduction.final)} == {reduction.failure}


@pytest.fixture(scope="module")
def crash(workers, tmp_path_factory) -> tuple[Reduction, Path, list[str]]:
    """The reduction of x_xt_in_a_chain, its folder and what was told meanwhile."""
    folder = tmp_path_factory.mktemp("crash")
    onnx.save(x_xt_in_a_chain(), folder / "model.onnx")
    told: list[str] = []
    watcher = Watcher(state=lambda *_: None, adopted=told.append)
    reduction = reduce(folder / "model.onnx", target="rk3588", watcher=watcher, workers=workers)
    return reduction, folder / "model.repro", told


def test_a_crash_that_two_nodes_are_needed_for(crash):
    reduction, _, told = crash
    assert operators(reduction) == ["Transpose", "MatMul"]
    assert "SIGSEGV" in reduction.failure
    assert_minimal(reduction)
    assert {line.element for line in reduction.certificate if "node" in line.element} == {
        "node 'transpose' (Transpose)",
        "node 'matmul' (MatMul)",
    }
    assert told == list(reduction.steps) and reduction.flaky is None and not reduction.resumed
    assert (reduction.nodes_before, reduction.nodes_after) == (7, 2)


def test_the_folder(crash):
    reduction, folder, _ = crash
    assert {path.name for path in folder.iterdir()} == {
        "repro.onnx", "repro.py", "log.txt", "environment.txt", "issue.md", "reduction.json",
    }  # fmt: skip
    written = msgspec.json.decode((folder / "reduction.json").read_bytes(), type=Reduction)
    assert written == reduction
    assert [n.op_type for n in onnx.load(folder / "repro.onnx").graph.node] == operators(reduction)
    assert not list((cache_dir() / "scratch").glob("run-*"))


def test_the_script_shows_the_failure_without_rkmend(crash, toolkit):
    _, folder, _ = crash
    done = subprocess.run([toolkit.python, "-I", "repro.py"], cwd=folder, capture_output=True, text=True)
    assert done.returncode == -11


def test_a_folder_with_results_is_not_overwritten_unasked(crash):
    _, folder, _ = crash
    with pytest.raises(InputError, match="is not empty"):
        reduce(folder.parent / "model.onnx", target="rk3588")


def test_a_reproducer_is_its_own_reproducer(crash, workers, tmp_path):
    reduction, folder, _ = crash
    again = reduce(folder / "repro.onnx", target="rk3588", out=tmp_path / "out", workers=workers)
    assert again.steps == () and again.nodes == reduction.nodes and again.failure == reduction.failure
    assert again.remembered > 0
    assert_minimal(again)


def test_two_culprits_that_fail_each_on_its_own(workers, tmp_path):
    reduction = reduce(two_culprits(tmp_path / "m.onnx"), target="rk3588", workers=workers)
    assert operators(reduction) == ["Conv"] and reduction.failure.endswith("Failed to config layer")
    (facts,) = reduction.nodes
    assert facts.original in ("first", "second") and facts.attributes == {"pads": "[0, 0, 1, 0]"}
    assert not reduction.weights_matter
    assert_minimal(reduction)
    for other in reduction.other_failures:
        onnx.checker.check_model(str(tmp_path / "m.repro" / other.file))


def test_a_model_that_converts_is_refused(workers, tmp_path):
    onnx.save(chain(2), tmp_path / "m.onnx")
    with pytest.raises(NoFailure, match="does not fail: converted, in each of 3 runs"):
        reduce(tmp_path / "m.onnx", target="rk3588", workers=workers)
    assert [path.name for path in tmp_path.iterdir()] == ["m.onnx"]


def test_a_wrong_result_is_reduced_with_the_simulator_until_the_budget_is_spent(workers, tmp_path):
    """ConvTranspose with an output_shape of odd total padding: the toolkit pads the wrong end."""
    made = node(
        "ConvTranspose", "r w", "t", "convt", output_shape=[8, 8], strides=[2, 2], kernel_shape=[3, 3]
    )
    nodes = [node("Relu", "x", "r", "relu"), made, node("Relu", "t", "y", "relu_2")]
    weights = {"w": np.random.default_rng(0).standard_normal((2, 2, 3, 3), np.float32)}
    shapes = [value("x", [1, 2, 4, 4])], [value("y", [1, 2, 8, 8])]
    onnx.save(model(nodes, *shapes, weights, opset=12), tmp_path / "m.onnx")
    reduction = reduce(tmp_path / "m.onnx", target="rk3588", budget=Budget(trials=9), workers=workers)
    assert reduction.baseline[0].outcome == "wrong" and reduction.failure == "simulate: wrong"
    assert operators(reduction) == ["ConvTranspose"]
    assert not reduction.minimal and "budget of 9 trials is spent" in reduction.unfinished
    assert reduction.certificate == ()
    assert [run.outcome for run in reduction.final] == ["wrong"] * 3


def test_neither_target_nor_check(tmp_path):
    with pytest.raises(InputError, match="either a target or a check command"):
        reduce(tmp_path / "m.onnx")
    with pytest.raises(InputError, match="either a target or a check command"):
        reduce(tmp_path / "m.onnx", target="rk3588", check=Check("true {}"))


def test_json_is_plain(crash):
    _, folder, _ = crash
    record = json.loads((folder / "reduction.json").read_text())
    assert record["schema"] == "rkmend-reduction/1" and record["minimal"] is True
