"""Other surroundings: which there are, and what comes of a model in them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import onnx
import onnx_ir as ir
import pytest
from models import two_culprits

from rkmend.diagnose.budget import Budget
from rkmend.diagnose.cause.surroundings import NotTried, Surrounding, surroundings, try_surroundings
from rkmend.diagnose.oracle import Candidate
from rkmend.diagnose.trial_oracle import TrialOracle
from rkmend.graph import extract, validated
from rkmend.rules.base import Exactness
from rkmend.targets import load_target
from rkmend.toolkit.environments import Toolkit, fingerprint
from rkmend.toolkit.options import BuildOptions
from rkmend.toolkit.trials import Trials

HERE = Toolkit("2.3.2", Path("/nowhere/bin/python"), "0" * 16)


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    """An empty cache folder."""
    monkeypatch.setenv("RKMEND_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def found(target: str, toolkit: Toolkit = HERE, **options) -> dict[str, Surrounding | NotTried]:
    items = list(surroundings(load_target(target), toolkit, BuildOptions(**options)))
    assert len({item.change for item in items}) == len(items)
    return {item.change: item for item in items}


def test_every_other_target_that_takes_the_dtype(cache):
    items = found("rk3588")
    targets = {item.target.name for item in items.values() if isinstance(item, Surrounding)}
    assert targets == {"rk3588", "rk3576", "rk3566", "rk3568", "rk3562", "rv1126b", "rk2118"}
    refused = items["target rv1106 instead of rk3588"]
    assert (refused.reason, refused.exactness) == ("rv1106 does not take fp16", Exactness.EXACT)
    int8 = found("rk3588", quantize=True)
    assert int8["target rv1106 instead of rk3588"].quantize
    assert int8["target rk2118 instead of rk3588"].reason == "rk2118 does not take int8"


def test_one_build_option_at_a_time(cache):
    items = found("rk3588", optimization_level=1, compress_weight=True, disable_rules=("a",))
    assert {
        change: item.options.describe()
        for change, item in items.items()
        if isinstance(item, Surrounding) and item.options != items["target rk3576 instead of rk3588"].options
    } == {
        "build option single_core_mode=True": (
            "optimization_level=1, disable_rules=('a',), single_core_mode=True, compress_weight=True"
        ),
        "build option optimization_level=0": (
            "optimization_level=0, disable_rules=('a',), compress_weight=True"
        ),
        "build option optimization_level=2": (
            "optimization_level=2, disable_rules=('a',), compress_weight=True"
        ),
        "build option optimization_level=3": "disable_rules=('a',), compress_weight=True",
        "build option compress_weight=False": "optimization_level=1, disable_rules=('a',)",
        "int8 instead of fp16": "quantize=True, optimization_level=1, disable_rules=('a',), compress_weight=True",
    }
    assert found("rk3566")["build option single_core_mode=True"].reason == "rk3566 has one core"


def test_the_other_dtype_is_another_function(cache):
    there, back = (
        found("rk3588")["int8 instead of fp16"],
        found("rk3588", quantize=True)["fp16 instead of int8"],
    )
    assert (there.quantize, back.quantize) == (True, False)
    assert there.exactness is back.exactness is Exactness.CHANGES_MODEL
    assert found("rk2118")["int8 instead of fp16"].reason == "rk2118 does not take int8"
    assert found("rv1106", quantize=True)["fp16 instead of int8"].reason == "rv1106 does not take fp16"


def test_versions_that_are_not_installed(cache):
    items = found("rk3588")
    assert (
        items["RKNN-Toolkit2 2.2.0 instead of 2.3.2"].reason == "not installed: rkmend toolkit install 2.2.0"
    )
    assert "RKNN-Toolkit2 2.3.2 instead of 2.3.2" not in items


def test_another_environment_of_the_same_version(cache):
    assert "only one environment" in found("rk3588")["an environment with other pins"].reason
    folder = cache / "toolkits" / "2.3.2-cp39"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    assert isinstance(found("rk3588")["an environment with other pins"], NotTried)  # unfinished
    ready = {"version": "2.3.2", "fingerprint": fingerprint(folder), "pins": "of an older rkmend"}
    base = os.path.realpath(folder / "bin" / "python")
    (folder / "ready.json").write_text(json.dumps({**ready, "base": base}))
    other = found("rk3588")["an environment with other pins"]
    assert other.toolkit == Toolkit("2.3.2", folder / "bin" / "python", fingerprint(folder))
    same = Toolkit("2.3.2", folder / "bin" / "python", fingerprint(folder))
    assert isinstance(found("rk3588", same)["an environment with other pins"], NotTried)


def test_what_costs_an_import_comes_last(cache):
    order = list(found("rk3588"))
    places = [
        next(index for index, change in enumerate(order) if change.startswith(start))
        for start in (
            "build option",
            "int8",
            "target",
            "a toolkit process",
            "an environment",
            "RKNN-Toolkit2",
        )
    ]
    assert places == sorted(places) and places[0] == 0


@pytest.mark.toolkit
def test_the_case_that_started_it_in_other_surroundings(toolkit, tmp_path):
    whole = validated(ir.from_proto(onnx.load(two_culprits(tmp_path / "two.onnx"))))
    culprit = validated(extract(whole, ["first"]))
    rk3588 = load_target("rk3588")
    wanted = {
        "build option optimization_level=0": ("fails alike", ""),
        "target rk3566 instead of rk3588": ("converted", ""),
        "target rv1103 instead of rk3588": ("not tried", "rv1103 does not take fp16"),
        "a toolkit process started for this one trial": ("fails alike", ""),
        "elsewhere": ("not tried", "RKNN-Toolkit2 2.3.2 cannot be imported: No such file or directory"),
        "without a budget": ("not tried", "the budget of 0 trials is spent"),
    }
    elsewhere = Surrounding("elsewhere", Exactness.EXACT, rk3588, HERE, BuildOptions())
    poor = Surrounding("without a budget", Exactness.EXACT, rk3588, toolkit, BuildOptions())
    with Trials(tmp_path / "warm", parallel=1) as warm, Trials(tmp_path / "cold", parallel=1) as cold:

        def oracle_for(where: Surrounding) -> TrialOracle:
            budget = Budget(trials=0) if where is poor else Budget()
            trials, scratch = cold if where.cold else warm, tmp_path / "scratch" / where.change
            return TrialOracle(trials, where.target, where.toolkit, where.options, scratch, budget=budget)

        here = Surrounding("here", Exactness.EXACT, rk3588, toolkit, BuildOptions())
        failure = oracle_for(here).ask(Candidate(culprit, "as it is")).failure
        items = [*surroundings(rk3588, toolkit, BuildOptions()), elsewhere, poor]
        chosen = [item for item in items if item.change in wanted]
        rows = try_surroundings(chosen, culprit, oracle_for, failure)
        assert len(cold.done) == 1
    assert {row.change: (row.outcome, row.reason) for row in rows} == wanted
    assert {row.group for row in rows} == {"surroundings"}
    assert all((row.observation is None) == (row.outcome == "not tried") for row in rows)
