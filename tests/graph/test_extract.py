"""A part of a model, cut out, computes what it computed inside."""

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
from rkmend.graph import CannotExtract, extract, infer, shapes_of


def inferred(proto: onnx.ModelProto) -> ir.Model:
    loaded = ir.from_proto(proto)
    infer(loaded)
    return loaded


def names(proto: onnx.ModelProto) -> list[str]:
    return [item.name for item in proto.graph.node]


def cut(loaded: ir.Model, nodes: list[str]) -> onnx.ModelProto:
    proto = ir.to_proto(extract(loaded, nodes))
    onnx.checker.check_model(proto)
    return proto


def run_part(part: onnx.ModelProto, known: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return run(part, {item.name: known[item.name] for item in part.graph.input})


@settings(max_examples=50, deadline=None)
@given(dags(), st.integers(0, 99))
def test_all_nodes_are_the_model(proto, seed):
    part = cut(inferred(proto), names(proto))
    given_values = feeds(seed)
    expected = run(proto, given_values)
    got = run_part(part, given_values)
    assert list(got) == list(expected)
    for name, array in expected.items():
        assert np.array_equal(got[name], array)  # the same kernels in the same order: equal bits


@settings(max_examples=100, deadline=None)
@given(dags(), st.data(), st.integers(0, 99))
def test_any_nodes_compute_what_they_did(proto, data, seed):
    loaded = inferred(proto)
    chosen = data.draw(st.lists(st.sampled_from(names(proto)), min_size=1, unique=True))
    try:
        part = cut(loaded, chosen)
    except CannotExtract:
        used = {name for item in proto.graph.node if item.name not in chosen for name in item.input}
        made = {name for item in proto.graph.node if item.name in chosen for name in item.output}
        assert not made & (used | {item.name for item in proto.graph.output})
        return
    everything = {**feeds(seed), **run(with_all_values(proto), feeds(seed))}
    for name, array in run_part(part, everything).items():
        assert np.array_equal(array, everything[name])


@settings(max_examples=50, deadline=None)
@given(dags(), st.data(), st.integers(0, 99))
def test_a_prefix_and_the_rest_compose(proto, data, seed):
    loaded = inferred(proto)
    at = data.draw(st.integers(0, len(proto.graph.node)))
    known = feeds(seed)
    for part in (names(proto)[:at], names(proto)[at:]):
        try:
            known |= run_part(cut(loaded, part), known)
        except CannotExtract:
            continue  # nothing comes out of it
    expected = run(proto, feeds(seed))
    for name, array in expected.items():
        assert np.array_equal(known[name], array)


def chain() -> ir.Model:
    nodes = [node("Relu", "x", "a", "first"), node("MatMul", "a w", "b", "second"), node("Relu", "b", "c", "third"),
             node("Add", "b c", "y", "last")]  # fmt: skip
    weights = {"w": np.ones((4, 3), np.float32)}
    return inferred(model(nodes, [value("x", (2, 4))], [value("y", (2, 3))], weights))


def test_signature_of_a_part():
    part = extract(chain(), ["second"])
    assert [item.name for item in part.graph.inputs] == ["a"]
    assert shapes_of(part) == {"a": ("float32", (2, 4)), "b": ("float32", (2, 3)), "w": ("float32", (4, 3))}
    assert list(part.graph.initializers) == ["w"]
    assert [item.name for item in part.graph] == ["second"]


def test_weights_are_shared_and_the_model_is_left_alone():
    whole = chain()
    before = ir.to_proto(whole).SerializeToString()
    part = extract(whole, ["second", "third"])
    assert part.graph.initializers["w"].const_value is whole.graph.initializers["w"].const_value
    part.graph[0].name = "changed"
    assert ir.to_proto(whole).SerializeToString() == before


def test_outputs_that_nobody_else_uses_can_be_kept():
    whole = chain()
    assert [item.name for item in extract(whole, ["second", "third", "last"]).graph.outputs] == ["y"]
    kept = extract(whole, ["second", "third", "last"], keep_outputs=["c"])
    assert [item.name for item in kept.graph.outputs] == ["y", "c"]


def test_known_content_travels_along():
    """A Reshape whose target shape the graph computes from another shape is no Reshape with a dynamic target."""
    nodes = [node("Shape", "x", "s", "shape"), node("Cast", "s", "f", "f", to=TensorProto.FLOAT),
             node("Cast", "f", "t", "t", to=TensorProto.INT64), node("Reshape", "flat t", "y", "reshape")]  # fmt: skip
    proto = model(nodes, [value("x", (2, 3)), value("flat", (6,))], [value("y", (2, 3))])
    part = extract(inferred(proto), ["reshape"])
    assert [item.name for item in part.graph.inputs] == ["flat"]
    assert part.graph.initializers["t"].const_value.numpy().tolist() == [2, 3]


def test_old_models_get_an_ir_version_that_allows_it(tmp_path):
    from rkmend.graph import save

    proto = model([node("Add", "x w", "a", "add"), node("Relu", "a", "y", "relu")],
                  [value("x", (2,)), value("w", (2,))], [value("y", (2,))], {"w": np.ones(2, np.float32)},
                  ir_version=3, opset=8)  # fmt: skip
    save(extract(inferred(proto), ["add"]), tmp_path / "part.onnx")
    onnx.checker.check_model(tmp_path / "part.onnx")


def test_functions_travel_along():
    function = helper.make_function("own", "Twice", ["a"], ["b"], [node("Add", "a a", "b")],
                                    [helper.make_opsetid("", 17)])  # fmt: skip
    call = helper.make_node("Twice", ["x"], ["t"], "call", domain="own")
    proto = model([call, node("Relu", "t", "y", "relu")], [value("x", (2,))], [value("y", (2,))],
                  opsets=[helper.make_opsetid("own", 1)], functions=[function])  # fmt: skip
    part = cut(inferred(proto), ["call"])
    assert run(part, {"x": np.array([1, 2], np.float32)})["t"].tolist() == [2, 4]


def test_what_cannot_be_cut_out():
    nodes = [node("NonZero", "x", "n", "n"), node("Cast", "n", "c", "c", to=TensorProto.FLOAT),
             node("Relu", "c", "y", "r"), node("Neg", "x", "unused", "dead")]  # fmt: skip
    whole = inferred(model(nodes, [value("x", (2, 3))], [value("y", (2, None))]))
    with pytest.raises(CannotExtract, match=r"'c' would be an input, and its shape is float32 \[2, "):
        extract(whole, ["r"])
    assert [item.name for item in extract(whole, ["n", "c"]).graph.outputs] == ["c"]
    with pytest.raises(CannotExtract, match="nothing outside uses"):
        extract(whole, ["dead"])
    with pytest.raises(CannotExtract, match="no nodes missing"):
        extract(whole, ["missing", "r"])
