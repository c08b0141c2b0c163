"""What is in a body comes out into the graph, and computes what it did in there."""

from __future__ import annotations

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from graphs import model, node, run, value
from hypothesis import assume, given, settings
from onnx import TensorProto, helper
from reduction_hunt import CountingHunt, operators

from dags import dags, feeds
from rkmend.diagnose.reduction.bodies import body_changes
from rkmend.diagnose.reduction.change import CannotChange
from rkmend.diagnose.reduction.nodes import reduce_nodes
from rkmend.graph import validated

X = np.arange(6, dtype=np.float32).reshape(2, 3) - 2


def variants(proto: onnx.ModelProto) -> dict[str, ir.Model]:
    whole = validated(ir.from_proto(proto))
    return {change.what: validated(change.apply(whole)) for change in body_changes(whole)}


@settings(max_examples=40, deadline=None)
@given(dags())
def test_the_branch_that_is_taken_computes_what_the_if_did(proto):
    whole = validated(ir.from_proto(proto))
    conditional = [item for item in whole.graph if item.op_type == "If"]
    assume(conditional)
    condition = conditional[0].inputs[0].name
    asked = ir.to_proto(whole)
    asked.graph.output.append(value(condition, (), TensorProto.BOOL))
    expected = fed(asked)
    taken = "then" if expected.pop(condition) else "else"
    change = next(
        change for change in body_changes(whole) if change.what == f"replaced by its {taken}_branch"
    )
    got = list(fed(ir.to_proto(validated(change.apply(whole)))).values())
    for array, twin in zip(expected.values(), got, strict=False):  # conditions that nobody reads come behind
        assert np.array_equal(array, twin)


def fed(proto: onnx.ModelProto) -> dict[str, np.ndarray]:
    given = feeds(0)
    return run(proto, {item.name: given[item.name] for item in proto.graph.input})


def loop(trips: int) -> onnx.ModelProto:
    """Doubles x and gives every state."""
    inside = [node("Identity", "going", "go_on", "go"), node("Add", "state state", "doubled", "add"),
              node("Identity", "doubled", "slice", "slice")]  # fmt: skip
    body = helper.make_graph(
        inside,
        "body",
        [value("i", (), TensorProto.INT64), value("going", (), TensorProto.BOOL), value("state", (2, 3))],
        [value("go_on", (), TensorProto.BOOL), value("doubled", (2, 3)), value("slice", (2, 3))],
    )
    nodes = [helper.make_node("Loop", ["trips", "", "x"], ["y", "all"], "loop", body=body),
             node("Relu", "y", "z", "relu"), node("Neg", "all", "n", "neg")]  # fmt: skip
    outputs = [value("z", (2, 3)), value("n", (trips, 2, 3))]
    return model(nodes, [value("x", (2, 3))], outputs, {"trips": np.array(trips, np.int64)})


def test_a_loop_is_replaced_by_its_body():
    part = variants(loop(3))["replaced by its body"]
    assert "Loop" not in operators(part)
    assert {item.name: item.shape.numpy() for item in part.graph.inputs} == {"x": (2, 3), "all": (1, 2, 3)}
    given = {"x": X, "all": X[None]}
    assert np.array_equal(run(ir.to_proto(part), given)["z"], np.maximum(2 * X, 0))


def test_a_loop_runs_once():
    part = variants(loop(3))["runs once"]
    assert np.array_equal(run(ir.to_proto(part), {"x": X})["z"], np.maximum(2 * X, 0))
    assert "runs once" not in {change.what for change in body_changes(part)}


def test_a_scan_is_replaced_by_its_body():
    inside = [node("Add", "state row", "sum", "add"), node("Neg", "sum", "out", "neg")]
    body = helper.make_graph(inside, "body", [value("state", (3,)), value("row", (3,))],
                             [value("sum", (3,)), value("out", (3,))])  # fmt: skip
    scan = helper.make_node("Scan", ["s", "x"], ["last", "rows"], "scan", body=body, num_scan_inputs=1)
    proto = model([scan, node("Relu", "last", "y", "relu")], [value("s", (3,)), value("x", (2, 3))],
                  [value("y", (3,)), value("rows", (2, 3))])  # fmt: skip
    part = variants(proto)["replaced by its body"]
    assert {item.name: item.shape.numpy() for item in part.graph.inputs} == {"s": (3,), "row_2": (3,)}
    given = {"s": np.ones(3, np.float32), "row_2": X[1]}
    assert np.array_equal(run(ir.to_proto(part), given)["y"], np.maximum(1 + X[1], 0))


def test_a_scan_of_opset_8_stays():
    inside = [node("Add", "state row", "sum", "add"), node("Neg", "sum", "out", "neg")]
    body = helper.make_graph(inside, "body", [value("state", (3,)), value("row", (3,))],
                             [value("sum", (3,)), value("out", (3,))])  # fmt: skip
    scan = helper.make_node("Scan", ["", "s", "x"], ["last", "rows"], "scan", body=body, num_scan_inputs=1)
    proto = model([scan], [value("s", (1, 3)), value("x", (1, 2, 3))],
                  [value("last", (1, 3)), value("rows", (1, 2, 3))], opset=8)  # fmt: skip
    whole = validated(ir.from_proto(proto))
    (change,) = body_changes(whole)
    with pytest.raises(CannotChange, match="one to one"):
        change.apply(whole)


def test_functions_are_put_in_the_place_of_their_calls():
    function = helper.make_function("own", "Twice", ["a"], ["b"], [node("Add", "a a", "b", "add")],
                                    [helper.make_opsetid("", 17)])  # fmt: skip
    calls = [helper.make_node("Twice", ["x"], ["t"], "first", domain="own"),
             helper.make_node("Twice", ["t"], ["y"], "second", domain="own")]  # fmt: skip
    proto = model(calls, [value("x", (2, 3))], [value("y", (2, 3))],
                  opsets=[helper.make_opsetid("own", 1)], functions=[function])  # fmt: skip
    part = variants(proto)["put in the place of their calls"]
    assert operators(part) == ["Add", "Add"]
    assert len({item.name for item in part.graph}) == 2
    assert np.array_equal(run(ir.to_proto(part), {"x": X})["y"], 4 * X)


def test_a_culprit_in_a_branch_is_found():
    inside = [
        node("Relu", f"t{index}" if index else "x", f"t{index + 1}", f"in{index}") for index in range(20)
    ]
    inside[13].op_type = "Softmax"
    then = helper.make_graph(inside, "then", [], [value("t20", (2, 3))])
    other = helper.make_graph([node("Neg", "x", "e", "else")], "else", [], [value("e", (2, 3))])
    nodes = [node("If", "c", "r", "if", then_branch=then, else_branch=other), node("Relu", "r", "y", "relu")]
    proto = model(nodes, [value("c", (), TensorProto.BOOL), value("x", (2, 3))], [value("y", (2, 3))])
    hunt = CountingHunt(proto, lambda candidate: "Softmax" in operators(candidate))
    reduce_nodes(hunt)
    assert operators(hunt.model) == ["Softmax"]
    assert hunt.trials <= 12
    inside_only = CountingHunt(proto, lambda candidate: {"If", "Softmax"} <= set(operators(candidate)))
    reduce_nodes(inside_only)
    # Both branches have to give something.
    assert sorted(operators(inside_only.model)) == ["Identity", "Identity", "If", "Softmax"]
