"""The reducer, on failures that are a property of the model, and on such that chance has a part in."""

from __future__ import annotations

from random import Random

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from graphs import model, node, value
from hypothesis import given, settings
from hypothesis import strategies as st
from reduction_hunt import operators

from reduction_oracle import FailureOf, InProcess
from rkmend.diagnose.budget import Budget
from rkmend.diagnose.oracle import Candidate
from rkmend.diagnose.reduction.baseline import Baseline
from rkmend.diagnose.reduction.change import CannotChange, Scale
from rkmend.diagnose.reduction.nodes import node_changes
from rkmend.diagnose.reduction.parameters import parameters
from rkmend.diagnose.reduction.reducer import Reducer
from rkmend.graph import CannotExtract, InvalidModel, validated

FILLERS = ("Relu", "Abs", "Neg", "Exp", "Ceil", "Floor", "Sqrt", "Softplus")


def row(*types: str, size: int = 12) -> onnx.ModelProto:
    """Unary operators one after the other on [1, size]."""
    names = ["x", *(f"v{number}" for number in range(1, len(types))), "y"]
    nodes = [node(kind, names[i], names[i + 1], f"{kind.lower()}{i}") for i, kind in enumerate(types)]
    return model(nodes, [value("x", [1, size])], [value("y", [1, size])])


def having(*types: str) -> FailureOf:
    return lambda candidate, _chance: "S" if set(types) <= set(operators(candidate)) else None


def sizes(candidate: ir.Model) -> tuple[int, ...]:
    return tuple(candidate.graph.inputs[0].shape.numpy())


def reduced(proto: onnx.ModelProto, oracle: InProcess) -> Reducer:
    candidate = Candidate(validated(ir.from_proto(proto)), "as given")
    baseline = Baseline.measure(oracle, candidate, oracle.ask(candidate))
    reducer = Reducer(candidate.model, baseline, oracle)
    reducer.run()
    return reducer


def all_single_changes(candidate: ir.Model) -> list[ir.Model]:
    """What every single simplification gives that gives a model."""
    found = []
    for step in [*node_changes(candidate), *parameters(candidate)]:
        change = step.to(step.current - 1) if isinstance(step, Scale) else step
        try:
            found.append(validated(change.apply(candidate)))
        except (CannotChange, CannotExtract, InvalidModel):
            continue
    return found


@settings(max_examples=12, deadline=None)
@given(st.permutations([*FILLERS, "Sigmoid", "Tanh"]), st.integers(1, 12))
def test_the_result_is_minimal_and_the_certificate_shows_it(types, threshold):
    def failure_of(candidate: ir.Model, _chance: Random) -> str | None:
        enough = sizes(candidate)[-1] >= threshold
        return "S" if enough and {"Sigmoid", "Tanh"} <= set(operators(candidate)) else None

    reducer = reduced(row(*types), InProcess(failure_of))
    assert sorted(operators(reducer.model)) == ["Sigmoid", "Tanh"]
    assert sizes(reducer.model) == (1, threshold)
    assert not any(failure_of(other, Random()) for other in all_single_changes(reducer.model))
    assert reducer.unfinished == ""
    for line in reducer.certificate:
        assert (line.observation is None) == bool(line.reason)
        assert line.observation is None or line.observation.failure is None
    tried = {line.element for line in reducer.certificate if line.observation}
    assert len([element for element in tried if element.startswith("node")]) == 2
    assert any("axis" in element for element in tried) == (threshold > 1)


def test_the_culprit_keeps_its_sizes():
    reducer = reduced(row(*FILLERS, "Tanh", size=9), InProcess(having("Tanh")))
    assert operators(reducer.culprit) == ["Tanh"] and sizes(reducer.culprit) == (1, 9)
    assert sizes(reducer.model) == (1, 1)


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 5000), st.data())
def test_the_smallest_size_costs_a_logarithm_of_trials(size, data):
    threshold = data.draw(st.integers(1, size))
    oracle = InProcess(lambda m, _: "S" if sizes(m)[-1] >= threshold else None, outcome="rejected")
    reducer = reduced(row("Tanh", size=size), oracle)
    assert sizes(reducer.model) == (1, threshold)
    # Three trials leave a quarter or less; besides: the baseline, the final run and the certificate.
    assert oracle.budget.spent <= 1.5 * size.bit_length() + 20


def test_sizes_that_only_some_of_fail():
    """Multiples of 7 fail: sections alone would stop anywhere; the certificate says that no tried one is left."""
    reducer = reduced(row("Tanh", size=210), InProcess(lambda m, _: "S" if sizes(m)[-1] % 7 == 0 else None))
    (size,) = sizes(reducer.model)[1:]
    assert size % 7 == 0 and size < 210
    assert reducer.certificate and all(
        line.observation is None or not line.observation.failure for line in reducer.certificate
    )


def test_another_failure_is_no_progress_and_is_kept_aside():
    def failure_of(candidate: ir.Model, _chance: Random) -> str | None:
        kinds = set(operators(candidate))
        return "S" if {"Tanh", "Relu"} <= kinds else "T" if "Tanh" in kinds else None

    reducer = reduced(row("Relu", "Abs", "Tanh", "Neg"), InProcess(failure_of))
    assert sorted(operators(reducer.model)) == ["Relu", "Tanh"]
    (other,) = reducer.others.values()
    assert other.failure == "T" and failure_of(other.model, Random()) == "T"
    assert reducer.other_counts["T"] >= 1
    assert any(line.observation and line.observation.failure == "T" for line in reducer.certificate)


@pytest.mark.parametrize("seed", range(4))
def test_a_failure_in_three_of_ten_runs(seed):
    """Repeated until it shows, or has not shown so often that it is said to be gone."""

    def failure_of(candidate: ir.Model, chance: Random) -> str | None:
        return "S" if {"Sigmoid", "Tanh"} <= set(operators(candidate)) and chance.random() < 0.3 else None

    proto = row("Relu", "Sigmoid", "Abs", "Neg", "Tanh", "Exp")
    oracle = InProcess(failure_of, seed=seed + 1)
    reducer = reduced(proto, oracle)
    baseline = reducer.baseline
    assert baseline.flaky and 0 < baseline.share < 0.8 and baseline.repetitions > 1
    kinds = operators(reducer.model)
    assert {"Sigmoid", "Tanh"} <= set(kinds)  # a candidate without them never fails
    # Each of the other four nodes stays only if none of so many runs failed: 0.7^repetitions of the time.
    assert len(kinds) <= 3
    assert any(label.startswith("node") for label in oracle.runs)
    assert max(oracle.runs.count(label) for label in oracle.runs if "node" in label) >= baseline.repetitions


def test_a_candidate_that_fails_now_and_then_is_refused_where_the_model_always_fails():
    """The run without the failure stands in the certificate, not the one with it."""
    turns: dict[str, int] = {}

    def failure_of(candidate: ir.Model, _chance: Random) -> str | None:
        if "Relu" in operators(candidate):
            return "S"
        turns["without"] = turns.get("without", 0) + 1
        return "S" if turns["without"] % 2 else None

    reducer = reduced(row("Relu", "Tanh"), InProcess(failure_of))
    assert operators(reducer.model) == ["Relu"]
    assert all(not line.observation or line.observation.failure is None for line in reducer.certificate)


@pytest.mark.parametrize("trials", [4, 6, 8])
def test_the_best_so_far_when_the_budget_is_spent(trials):
    adopted = []
    oracle = InProcess(having("Tanh"), budget=Budget(trials=trials), outcome="rejected")
    candidate = Candidate(validated(ir.from_proto(row(*FILLERS, "Tanh", *FILLERS, size=500))), "as given")
    baseline = Baseline.measure(oracle, candidate, oracle.ask(candidate))
    reducer = Reducer(candidate.model, baseline, oracle, adopted.append)
    reducer.run()
    assert reducer.unfinished == f"the budget of {trials} trials is spent"
    assert oracle.budget.spent == trials
    assert "Tanh" in operators(reducer.model)
    assert bool(adopted) == (len(operators(reducer.model)) < 17)


def test_seconds_are_a_budget_too():
    oracle = InProcess(having("Tanh"), budget=Budget(seconds=1e-9))
    reducer = reduced(row("Relu", "Tanh"), oracle)
    assert "budget of 1e-09 s is spent" in reducer.unfinished and len(operators(reducer.model)) == 2


def test_what_always_fails_is_reduced_to_next_to_nothing_and_nothing_was_refused():
    reducer = reduced(row(*FILLERS), InProcess(lambda _model, _chance: "S"))
    assert len(operators(reducer.model)) == 1 and sizes(reducer.model) == (1, 1)
    assert reducer.refused == 0 and reducer.unfinished == ""
    assert all(line.observation is None for line in reducer.certificate)
    assert reduced(row("Relu", "Tanh"), InProcess(having("Relu", "Tanh"))).refused > 0


def test_a_model_that_is_minimal_already():
    proto = model([node("Tanh", "x", "y", "tanh")], [value("x", [1])], [value("y", [1])], opset=12)
    reducer = reduced(proto, InProcess(having("Tanh")))
    assert operators(reducer.model) == ["Tanh"]
    np.testing.assert_equal(sizes(reducer.model), (1,))
