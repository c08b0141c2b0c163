"""The node phase keeps the failure, ends 1-minimal, spends few trials and none on what is no model."""

from __future__ import annotations

import math

import pytest
from graphs import model, node, value
from hypothesis import given, settings
from hypothesis import strategies as st
from reduction_hunt import CountingHunt, operators

from dags import dags
from rkmend.diagnose.reduction.nodes import node_changes, reduce_nodes
from rkmend.graph import node_names, validated

SHAPE = [1, 4]


def chain(length: int, special: dict[int, str]):
    """Relus one after the other, n0 ... , some of them another operator."""
    nodes = [
        node(special.get(index, "Relu"), f"v{index}", f"v{index + 1}", f"n{index}") for index in range(length)
    ]
    return model(nodes, [value("v0", SHAPE)], [value(f"v{length}", SHAPE)])


def branches(length: int, special: dict[int, str]):
    """Two chains side by side, joined at the end; the nodes take turns in the file."""
    nodes, last = [], ["x", "x"]
    for index in range(length):
        side = index % 2
        nodes.append(node(special.get(index, "Relu"), last[side], f"v{index}", f"n{index}"))
        last[side] = f"v{index}"
    nodes.append(node("Add", " ".join(last), "y", "join"))
    return model(nodes, [value("x", SHAPE)], [value("y", SHAPE)])


def needs(*wanted: str):
    return lambda candidate: all(operators(candidate).count(op) >= wanted.count(op) for op in wanted)


@settings(max_examples=25, deadline=None)
@given(dags(), st.data())
def test_any_culprits_of_any_graph_are_found(proto, data):
    """Every candidate runs in ONNX Runtime: the hunt raises if one does not."""
    names = [item.name for item in proto.graph.node if item.op_type != "Constant"]
    guilty = data.draw(st.sets(st.sampled_from(names), min_size=1, max_size=3))
    hunt = CountingHunt(proto, lambda candidate: guilty <= set(node_names(candidate)), runs=True)
    reduce_nodes(hunt)
    assert guilty <= set(node_names(hunt.model))
    left = hunt.trials
    assert hunt.first(node_changes(hunt.model)) is None
    assert hunt.trials == left  # the certificate asks for nothing that was not asked for
    assert {item.name for item in hunt.model.graph} <= guilty


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 59))
def test_one_culprit_among_sixty(place):
    hunt = CountingHunt(chain(60, {place: "Softmax"}), needs("Softmax"))
    reduce_nodes(hunt)
    assert operators(hunt.model) == ["Softmax"]
    assert hunt.trials <= 10


def test_the_mean_number_of_trials_for_one_culprit():
    counts = []
    for place in range(0, 60, 7):
        hunt = CountingHunt(chain(60, {place: "Softmax"}), needs("Softmax"))
        reduce_nodes(hunt)
        counts.append(hunt.trials)
    assert sum(counts) / len(counts) <= 8  # the logarithm of 60 is 5.9


@pytest.mark.parametrize("place", [0, 17, 59])
def test_a_culprit_that_the_log_names_costs_a_trial(place):
    hunt = CountingHunt(chain(60, {place: "Softmax"}), needs("Softmax"))
    reduce_nodes(hunt, suspects=[f"n{place}"])
    assert operators(hunt.model) == ["Softmax"]
    assert hunt.trials == 1


def test_a_wrong_suspect_does_not_stay():
    hunt = CountingHunt(chain(60, {17: "Softmax"}), needs("Softmax"))
    reduce_nodes(hunt, suspects=["n40", "no such node"])
    assert operators(hunt.model) == ["Softmax"]
    assert hunt.trials <= 20


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(0, 85), min_size=2, max_size=3, unique=True))
def test_culprits_on_two_branches(places):
    """Polygraphy's reducer leaves 66 nodes of such a net of 87."""
    wanted = ["Softmax", "Sigmoid", "Tanh"][: len(places)]
    hunt = CountingHunt(branches(86, dict(zip(places, wanted, strict=True))), needs(*wanted))
    reduce_nodes(hunt)
    assert sorted(operators(hunt.model)) == sorted(wanted)
    assert hunt.trials <= len(wanted) * 2 * math.log2(87) + 10


def joined(candidate) -> bool:
    """Whether a Tanh depends on a Sigmoid."""
    reached = set()
    for item in candidate.graph:
        if item.op_type == "Sigmoid" or reached & set(item.inputs):
            if item.op_type == "Tanh":
                return True
            reached |= set(item.outputs)
    return False


def test_what_lies_between_two_culprits_that_must_be_joined_is_bypassed():
    hunt = CountingHunt(chain(60, {11: "Sigmoid", 47: "Tanh"}), joined)
    reduce_nodes(hunt)
    assert operators(hunt.model) == ["Sigmoid", "Tanh"]
    assert hunt.trials <= 30


def test_a_failure_that_needs_every_node_ends_soon():
    hunt = CountingHunt(chain(40, {}), lambda candidate: len(candidate.graph) == 40)
    reduce_nodes(hunt)
    assert len(hunt.model.graph) == 40
    assert hunt.trials <= 40 * 2 + 40  # each node removed, each bypassed, and the search before


def test_a_failure_that_is_not_monotone_is_still_minimal():
    """An odd number of Relus."""
    hunt = CountingHunt(chain(15, {}), lambda candidate: operators(candidate).count("Relu") in (1, 5, 15))
    reduce_nodes(hunt)
    assert len(hunt.model.graph) in (1, 5)
    assert hunt.first(node_changes(hunt.model)) is None


def test_the_changes_of_a_node():
    changes = [(change.element, change.what) for change in node_changes(validated_chain())]
    assert changes == [
        ("node 'n0' (Relu)", "removed"),
        ("node 'n0' (Relu)", "bypassed by its input 'v0'"),
        ("node 'n1' (Relu)", "removed"),
        ("node 'n1' (Relu)", "bypassed by its input 'v1'"),
    ]


def validated_chain():
    import onnx_ir as ir

    return validated(ir.from_proto(chain(2, {})))
