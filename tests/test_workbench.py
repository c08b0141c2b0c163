"""The workbench, on the real toolkit: what is looked at, and what stays on the disk."""

from __future__ import annotations

import onnx_ir as ir
import pytest
from models import chain, x_xt_in_a_chain

from rkmend.diagnose.budget import Budget
from rkmend.diagnose.oracle import Candidate
from rkmend.diagnose.reduction.baseline import NoFailure
from rkmend.errors import RkmendError
from rkmend.graph import validated
from rkmend.pipeline import Progress
from rkmend.workbench import workbench

SETTING = {"options": None, "toolkit": None, "limits": None, "cache": False, "progress": Progress()}


@pytest.fixture(scope="module")
def bench(toolkit):
    with workbench(target="rk3588", budget=Budget(), **SETTING) as bench:
        yield bench


@pytest.mark.toolkit
def test_a_crash_is_run_three_times_and_without_the_simulator(bench):
    given = validated(ir.from_proto(x_xt_in_a_chain()))
    baseline = bench.baseline(given)
    assert "SIGSEGV" in baseline.failure and len(baseline.runs) == 3
    assert bench.oracle.reference_for is None
    assert bench.log_of(baseline.runs[0]).is_file()
    assert bench.suspects(given, baseline.runs[0]) == ()  # a segmentation fault names nobody
    assert bench.name == "RKNN-Toolkit2 2.3.2 for rk3588"


@pytest.mark.toolkit
def test_nothing_piles_up(bench):
    for number in (2, 3):
        seen = bench.oracle.ask(Candidate(ir.from_proto(chain(number)), "a chain"))
        assert seen.outcome == "converted" and bench.log_of(seen).is_file()
    folder = bench.trials.folder
    assert not list(folder.rglob("*.rknn")) and not list((bench.scratch / "candidates").iterdir())
    bench.drop_logs()
    assert not list(folder.iterdir()) and not bench.trials.done


@pytest.mark.toolkit
def test_what_converts_is_looked_at_more_closely(bench):
    with pytest.raises(NoFailure, match="does not fail: converted, in each of 3 runs"):
        bench.baseline(validated(ir.from_proto(chain(2))))
    assert bench.oracle.reference_for is not None


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"target": "rk9999"}, "rk9999"),
        ({"target": "rv1103"}, "rv1103 has no fp16 arithmetic"),
        ({"target": "rk3588", "toolkit": "1.0.0"}, "1.0.0"),
    ],
)
def test_what_cannot_be_set_up(changes, match):
    with (
        pytest.raises(RkmendError, match=match) as told,
        workbench(budget=Budget(), **{**SETTING, **changes}),
    ):
        pass
    assert told.value.hint
