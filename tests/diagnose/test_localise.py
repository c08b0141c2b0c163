"""Naming the operator: from the log, and by cutting the model into pieces."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from graphs import model, node, value
from hypothesis import given, settings
from hypothesis import strategies as st
from models import NO_RULES, chain, x_xt_in_a_chain

from reduction_oracle import InProcess, observed
from rkmend.diagnose.localise import beyond_registers, by_reduction, named_by_log
from rkmend.diagnose.reduction.baseline import Baseline
from rkmend.graph import freeze, load
from rkmend.records import Status
from rkmend.toolkit.log import parse_log
from rkmend.toolkit.verdict import Outcome

CRASH, OTHER = "build: SIGSEGV", "build: ValueError: something else"


def located(model, failure, suspects=()) -> tuple[str, ...]:
    """By an oracle in this process that says of the names of a part's nodes how it fails."""
    judge = InProcess(lambda part, _chance: failure({node.name for node in part.graph}), outcome="rejected")
    return by_reduction(model, Baseline(CRASH, (observed(CRASH),)), judge, suspects)


@settings(max_examples=15, deadline=None)
@given(st.sets(st.integers(0, 11), min_size=1, max_size=3))
def test_exactly_the_guilty_nodes_are_found(tmp_path_factory, guilty):
    path = tmp_path_factory.mktemp("chain") / "chain.onnx"
    onnx.save(chain(12), path)
    names = {f"relu{number}" for number in guilty}
    found = located(load(path).ir, lambda part: CRASH if names <= part else None)
    assert found == tuple(f"relu{number}" for number in sorted(guilty))


def test_another_failure_is_not_taken_for_the_same(tmp_path):
    onnx.save(chain(6), tmp_path / "m.onnx")
    model = load(tmp_path / "m.onnx").ir
    assert located(model, lambda part: CRASH if {"relu1", "relu4"} <= part else OTHER) == ("relu1", "relu4")


def test_when_every_part_fails_no_operator_is_blamed(tmp_path):
    onnx.save(x_xt_in_a_chain(), tmp_path / "m.onnx")
    assert located(load(tmp_path / "m.onnx").ir, lambda _part: CRASH) == ()


@pytest.mark.parametrize(
    ("blamed", "node"),
    [
        ("relu3", ("relu3",)),
        ("relu1_pads_conv_group_0", ("relu1",)),
        ("relu11", ("relu11",)),
        ("unknown", ()),
    ],
)
def test_the_log_names_a_node_or_what_the_toolkit_made_of_it(tmp_path, blamed, node):
    onnx.save(chain(12), tmp_path / "m.onnx")
    log = f"E RKNN: [12:31:52.727] Failed to config layer: 'Conv:{blamed}', Fatal Error\n"
    assert named_by_log(load(tmp_path / "m.onnx").ir, parse_log(log)) == node


@pytest.mark.toolkit
def test_a_crash_without_a_message_is_traced_to_its_operators(convert, tmp_path):
    """MatMul(x, transpose(x)) is a SIGSEGV in 2.3.2 that names nothing; five innocent nodes stand round it."""
    onnx.save(x_xt_in_a_chain(), tmp_path / "m.onnx")
    result = convert(tmp_path / "m.onnx", out=tmp_path / "out", rules=NO_RULES)
    assert result.status is Status.REFUSED
    assert result.first_verdict.outcome is Outcome.ABORTED and "SIGSEGV" in str(
        result.first_verdict.signature
    )
    assert result.culprits[0].nodes == ("transpose", "matmul")
    assert "transpose, matmul" in result.reason and not (tmp_path / "out" / "m.rknn").exists()


def test_what_no_register_holds_is_suspected_first(tmp_path):
    """The compiler's complaint gives the limit of the field and no name."""
    nodes = [
        node("Relu", "x", "a", "small"),
        node("Reshape", "a long", "b", "fold"),
        node("Neg", "b", "y", "wide"),
    ]
    proto = model(nodes, [value("x", [2, 5000])], [value("y", [1, 10000])], {"long": np.array([1, 10000])})
    onnx.save(proto, tmp_path / "m.onnx")
    whole = freeze(load(tmp_path / "m.onnx"), {}).ir
    line = "REGTASK: The bit width of field value exceeds the limit, target: v2, offset: 0x4038, shift = 0, "
    assert beyond_registers(whole, parse_log(f"E RKNN: {line}limit: 0x1fff, value: 0x2710")) == (
        "fold",
        "wide",
    )
    assert beyond_registers(whole, parse_log("E RKNN: another failure")) == ()


def test_a_suspect_that_fails_alone_takes_one_trial(tmp_path):
    onnx.save(chain(64), tmp_path / "m.onnx")
    asked = []

    def failure(names: set[str]) -> str | None:
        asked.append(names)
        return CRASH if "relu40" in names else None

    found = located(load(tmp_path / "m.onnx").ir, failure, suspects=("relu40", "relu41"))
    # The one that fails, one that was begun ahead, and one that shows that not everything fails.
    assert found == ("relu40",) and len(asked) <= 3


def test_suspects_that_are_innocent_lead_nobody_astray(tmp_path):
    onnx.save(chain(12), tmp_path / "m.onnx")
    found = located(
        load(tmp_path / "m.onnx").ir,
        lambda part: CRASH if {"relu1", "relu4"} <= part else None,
        suspects=("relu7", "relu8"),
    )
    assert found == ("relu1", "relu4")
