"""Advice is tried: on a command for what is asked of an oracle, and on the real compiler for what comes of it."""

from __future__ import annotations

import shlex

import onnx
import onnx_ir as ir
import pytest
from conv_cases import Case
from models import chain, two_culprits

from rkmend.diagnose.budget import Budget
from rkmend.diagnose.cause.advice import Advice, advice, try_advice
from rkmend.diagnose.command_oracle import CommandOracle
from rkmend.diagnose.oracle import Candidate
from rkmend.diagnose.trial_oracle import TrialOracle
from rkmend.graph import InvalidModel, extract, validated
from rkmend.rules.base import Exactness
from rkmend.targets import load_target
from rkmend.toolkit.options import BuildOptions
from rkmend.toolkit.trial import Limits
from rkmend.toolkit.trials import Trials


def test_advice_on_convs_comes_first_and_only_for_convs():
    changes = [piece.change for piece in advice(validated(Case(opset=12).model()))]
    assert changes[0].startswith("auto_pad") and changes[-1] == "all weights replaced by ones"
    general = [piece.change for piece in advice(validated(ir.from_proto(chain(2))))]
    assert 0 < len(general) < 12 and changes[-len(general) :] == general


def ask(tmp_path, items, **settings):
    """A command that cannot stand Relus: exit status 7 for one, 3 for another failure."""
    script = shlex.quote("grep -q relu2 $1 && exit 3; grep -q relu1 $1 && exit 7; exit 0")
    budget = settings.get("budget", Budget())
    command = f"sh -c {script} check {{}}"
    with CommandOracle(command, limits=Limits(20), scratch=tmp_path / "s", budget=budget) as oracle:
        return try_advice(items, oracle, "exit 7")


def piece(length: int) -> Advice:
    return Advice(f"{length} nodes", Exactness.ROUNDING, lambda: ir.from_proto(chain(length)))


def invalid() -> ir.Model:
    raise InvalidModel("no model at all")


def test_every_item_has_its_row(tmp_path):
    width = next(item for item in advice(validated(Case().model())) if item.change == "width under 1024")
    items = [piece(2), width, piece(1), Advice("nonsense", Exactness.EXACT, invalid), piece(3)]
    rows = ask(tmp_path, items)
    assert [(row.change, row.outcome, row.reason) for row in rows] == [
        ("2 nodes", "fails alike", ""),
        ("width under 1024", "not tried", "the width is under 1024 already"),
        ("1 nodes", "converted", ""),
        ("nonsense", "no valid model", "no model at all"),
        ("3 nodes", "fails otherwise", ""),
    ]
    assert {row.group for row in rows} == {"advice"}
    assert [row.exactness for row in rows] == ["rounding", "changes-model", "rounding", "exact", "rounding"]
    assert [row.observation and row.observation.outcome for row in rows] == [
        "exit 7",
        None,
        "exit 0",
        None,
        "exit 3",
    ]


def test_a_budget_that_is_too_small(tmp_path):
    rows = ask(tmp_path, [piece(1), piece(2), piece(3)], budget=Budget(trials=2))
    assert [row.outcome for row in rows] == ["converted", "fails alike", "not tried"]
    assert rows[2].reason == "the budget of 2 trials is spent" and rows[2].observation is None


@pytest.mark.toolkit
def test_advice_on_the_case_that_started_it(toolkit, tmp_path):
    """A 1x1 Conv with a row of padding at the bottom, on as few rows as fail."""
    whole = validated(ir.from_proto(onnx.load(two_culprits(tmp_path / "two.onnx"))))
    culprit = validated(extract(whole, ["first"]))
    wanted = {
        "padding to 0 on every side": ("converted", "changes-model"),
        "padding to 0 at the bottom alone": ("converted", "changes-model"),
        "an explicit Pad node, then the Conv without padding": ("fails alike", "exact"),
        "width rounded up to a multiple of 16 (1200)": ("fails alike", "changes-model"),
        "width under 1024 (1008)": ("fails alike", "changes-model"),
        "split along W into two Convs, joined": ("fails alike", "exact"),
        "opset 13": ("fails alike", "exact"),
    }
    with Trials(tmp_path / "trials", parallel=2) as trials:
        oracle = TrialOracle(
            trials, load_target("rk3588"), toolkit, BuildOptions(), tmp_path / "scratch", budget=Budget()
        )
        failure = oracle.ask(Candidate(culprit, "as it is")).failure
        rows = try_advice([item for item in advice(culprit) if item.change in wanted], oracle, failure)
    assert {row.change: (row.outcome, row.exactness) for row in rows} == wanted
    assert all((row.observation.cycles is not None) == (row.outcome == "converted") for row in rows)
