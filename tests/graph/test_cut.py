"""What is left after nodes were cut out stands alone and computes what it did."""

from __future__ import annotations

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from graphs import model, node, run, value
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from dags import dags, feeds, with_all_values
from rkmend.graph import CannotExtract, bypass, contract, cut, node_names, validated


def prepared(proto: onnx.ModelProto) -> ir.Model:
    return validated(ir.from_proto(proto))


def io(part: ir.Model) -> tuple[list[str], list[str]]:
    return [str(item.name) for item in part.graph.inputs], [str(item.name) for item in part.graph.outputs]


@settings(max_examples=60, deadline=None)
@given(dags(), st.data(), st.integers(0, 99))
def test_what_is_left_computes_what_it_did(proto, data, seed):
    names = [item.name for item in proto.graph.node]
    gone = data.draw(st.sets(st.sampled_from(names), min_size=1))
    try:
        part = cut(prepared(proto), gone)
    except CannotExtract:
        kept = [item for item in proto.graph.node if item.name not in gone]
        assert all(item.op_type == "Constant" for item in kept)
        return
    result = ir.to_proto(validated(part))
    everything = {**feeds(seed), **run(with_all_values(proto), feeds(seed))}
    for name, array in run(result, {item.name: everything[item.name] for item in result.graph.input}).items():
        assert np.array_equal(array, everything[name])  # the same kernels in the same order: equal bits


@settings(max_examples=40, deadline=None)
@given(dags(), st.data())
def test_nodes_in_bodies_go_too(proto, data):
    whole = prepared(proto)
    gone = data.draw(st.sets(st.sampled_from(node_names(whole)), min_size=1))
    before = ir.to_proto(whole).SerializeToString()
    try:
        part = validated(cut(whole, gone))
    except CannotExtract:
        return
    assert ir.to_proto(whole).SerializeToString() == before
    assert not gone & set(node_names(part))
    fed = {item.name: np.ones(item.shape.numpy(), item.dtype.numpy()) for item in part.graph.inputs}
    run(ir.to_proto(part), fed)


def diamond() -> ir.Model:
    nodes = [node("Relu", "x", "a", "top"), node("Sigmoid", "a", "b", "left"), node("MatMul", "a w", "c", "right"),
             node("Add", "b c", "y", "bottom")]  # fmt: skip
    weights = {"w": np.ones((4, 4), np.float32)}
    return prepared(model(nodes, [value("x", (2, 4))], [value("y", (2, 4))], weights))


def test_edges_of_a_cut():
    assert io(cut(diamond(), ["top"])) == (["a"], ["y"])
    assert io(cut(diamond(), ["left"])) == (["x", "b"], ["y"])
    assert io(cut(diamond(), ["bottom"])) == (["x"], ["b", "c"])
    without = cut(diamond(), ["right"])
    assert io(without) == (["x", "c"], ["y"])
    assert not without.graph.initializers


def test_weights_are_shared():
    whole = diamond()
    assert (
        cut(whole, ["top"]).graph.initializers["w"].const_value is whole.graph.initializers["w"].const_value
    )


def test_known_contents_become_initializers():
    nodes = [node("Shape", "x", "s", "shape"), node("Cast", "s", "f", "f", to=TensorProto.FLOAT),
             node("Cast", "f", "t", "t", to=TensorProto.INT64), node("Reshape", "flat t", "y", "reshape")]  # fmt: skip
    proto = model(nodes, [value("x", (2, 3)), value("flat", (6,))], [value("y", (2, 3))])
    part = cut(prepared(proto), ["shape", "f", "t"])
    assert io(part) == (["flat"], ["y"])
    assert part.graph.initializers["t"].const_value.numpy().tolist() == [2, 3]


def branching() -> ir.Model:
    """An If with a value of the same name in both branches."""
    bodies = {}
    for branch, first in (("then_branch", "Relu"), ("else_branch", "Neg")):
        inside = [node(first, "x", "t", f"{branch}_1"), node("Sigmoid", "t", "r", f"{branch}_2")]
        bodies[branch] = helper.make_graph(inside, branch, [], [value("r", (2, 4))])
    nodes = [node("If", "c", "y", "if", **bodies)]
    return prepared(
        model(nodes, [value("c", (), TensorProto.BOOL), value("x", (2, 4))], [value("y", (2, 4))])
    )


def test_values_of_a_body_are_fed_from_outside():
    part = validated(cut(branching(), ["then_branch_1"]))
    assert io(part) == (["c", "x", "t_2"], ["y"])  # `t` is what the other branch makes
    fed = {"c": np.array(True), "x": np.zeros((2, 4), np.float32), "t_2": np.ones((2, 4), np.float32)}
    assert run(ir.to_proto(part), fed)["y"][0, 0] == pytest.approx(1 / (1 + np.exp(-1)), rel=1e-6)  # float32


def test_a_body_gives_out_an_identity_that_stays():
    part = validated(cut(branching(), ["then_branch_2"]))
    identity = next(node.name for node in part.graph.all_nodes() if node.op_type == "Identity")
    with pytest.raises(CannotExtract, match="what a body gives out"):
        cut(part, [identity])
    with pytest.raises(CannotExtract, match="what a body gives out"):
        bypass(part, identity, 0)


def test_a_body_hands_on_what_it_is_given():
    """Another Identity would take its place, with another name each time."""
    inside = [node("Identity", "s", "kept", "state"), node("Identity", "e", "made", "element")]
    body = helper.make_graph(
        inside,
        "body",
        [value("s", (2,)), value("e", (2,))],
        [value("kept", (2,)), value("made", (2,))],
    )
    scan = node("Scan", "x rows", "last y", "scan", body=body, num_scan_inputs=1)
    inputs, outputs = [value("x", (2,)), value("rows", (3, 2))], [value("last", (2,)), value("y", (3, 2))]
    proto = prepared(model([scan], inputs, outputs))
    with pytest.raises(CannotExtract, match="what a body gives out"):
        bypass(proto, "element", 0)


def test_bypass():
    part = bypass(diamond(), "left", 0)
    assert io(part) == (["x"], ["y"])
    assert [value.name for value in part.graph[-1].inputs] == ["a", "c"]
    assert io(bypass(diamond(), "bottom", 1)) == (["x"], ["c", "b"])
    with pytest.raises(
        CannotExtract, match=r"'right' makes is float32 \[2, 4\], its input 1 is float32 \[4, 4\]"
    ):
        bypass(diamond(), "right", 1)
    with pytest.raises(CannotExtract, match="no input 2"):
        bypass(diamond(), "left", 2)


def test_contract_keeps_what_is_left_connected():
    part = contract(diamond(), ["left", "right"])
    assert [[value.name for value in node.inputs] for node in part.graph] == [["x"], ["a", "a"]]
    with pytest.raises(CannotExtract, match="none of these nodes"):
        reshaped = [node("Flatten", "x", "a", "f", axis=2), node("Relu", "a", "y", "r")]
        contract(prepared(model(reshaped, [value("x", (2, 3))], [value("y", (6, 1))])), ["f"])


def test_a_culprit_that_was_dead_gets_an_output():
    nodes = [node("Relu", "x", "y", "alive"), node("Neg", "x", "unused", "dead")]
    whole = prepared(model(nodes, [value("x", (2,))], [value("y", (2,))]))
    assert io(cut(whole, ["alive"])) == (["x"], ["unused"])
    assert io(cut(whole, ["dead"])) == (["x"], ["y"])


def test_what_cannot_be_cut_out():
    nodes = [node("NonZero", "x", "n", "n"), node("Cast", "n", "y", "c", to=TensorProto.FLOAT)]
    whole = prepared(model(nodes, [value("x", (2, 3))], [value("y", (2, None))]))
    with pytest.raises(CannotExtract, match=r"'n' would be an input, and its shape is int64 \[2, "):
        cut(whole, ["n"])
    with pytest.raises(CannotExtract, match="nothing would be left"):
        cut(whole, ["n", "c"])
    with pytest.raises(CannotExtract, match="no nodes missing"):
        cut(whole, ["missing"])
