"""Graphs of the page: tensors with their shapes, attributes in a few words, and no weights."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import onnx
import pytest
from graphs import linear, model, node, value
from onnx import helper, numpy_helper

from rkmend.report.page.graphs import LONGEST_TEXT, cut, graph_of
from rkmend.report.page.opened import Opened
from rkmend.report.page.rows import Graph


def drawn(path: Path, shapes: dict[str, tuple[int, ...]] | None = None) -> Graph:
    return graph_of(Opened.read("original", path, shapes or {}), lambda node: node)


def attributes(tmp_path: Path, made: onnx.NodeProto, *outputs: str, opset: int = 17) -> dict[str, str]:
    """Of the last node of a model: a Constant, or what reads x."""
    onnx.save(
        model([made], [value("x", [4])], [value(name, None) for name in outputs], opset=opset),
        tmp_path / "m.onnx",
    )
    return dict(drawn(tmp_path / "m.onnx").nodes[-1].attributes)


def test_nodes_refer_to_tensors_with_shape_and_size(tmp_path):
    graph = drawn(linear(tmp_path / "m.onnx"))
    product, total = graph.nodes
    read, weight = (graph.values[place] for place in product.inputs)
    assert (read.name, read.dtype, read.shape, read.constant, read.bytes) == (
        "x",
        "float32",
        "1x8",
        False,
        32,
    )
    assert (weight.name, weight.shape, weight.constant, weight.bytes) == ("w", "8x4", True, 128)
    assert product.outputs[0] == total.inputs[0]
    assert [graph.values[place].name for place in (*graph.inputs, *graph.outputs)] == ["x", "y"]


@pytest.mark.parametrize("rows", [8, 4096])
def test_no_weights_are_in_it(tmp_path, rows):
    graph = drawn(linear(tmp_path / "m.onnx", rows=rows))
    assert len(msgspec.json.encode(graph)) < 2000
    assert [one.name for one in graph.values if one.constant] == ["w", "b"]


def test_an_input_that_is_left_out_stays_a_gap(tmp_path):
    made = helper.make_node("Clip", ["x", "", "high"], ["y"], name="clip")
    proto = model([made], [value("x", [4])], [value("y", [4])], {"high": np.float32(6)})
    onnx.save(proto, tmp_path / "m.onnx")
    (clip,) = drawn(tmp_path / "m.onnx").nodes
    assert clip.inputs[1] is None and None not in (clip.inputs[0], clip.inputs[2])


def test_unknown_sizes_are_told(tmp_path):
    onnx.save(
        model([node("Relu", "x", "y", "r")], [value("x", ["n", 4])], [value("y", None)]), tmp_path / "m.onnx"
    )
    assert drawn(tmp_path / "m.onnx").values[0].shape == "nx4"
    assert drawn(tmp_path / "m.onnx").values[0].bytes == 0
    assert drawn(tmp_path / "m.onnx", {"x": (2, 4)}).values[0].shape == "2x4"


def test_numbers_and_texts_are_written_out(tmp_path):
    found = attributes(tmp_path, node("LeakyRelu", "x", "y", "l", alpha=0.1), "y")
    assert found == {"alpha": "0.1"}
    assert attributes(tmp_path, node("Concat", "x x", "y", "c", axis=0), "y") == {"axis": "0"}
    found = attributes(tmp_path, node("ReduceSum", "x", "y", "s", axes=[0], keepdims=0), "y", opset=11)
    assert found == {"axes": "0", "keepdims": "0"}


@pytest.mark.parametrize(
    ("array", "told"),
    [
        (np.arange(4, dtype=np.int64), "int64 4: 0, 1, 2, 3"),
        (np.float32(2.5), "float scalar: 2.5"),
        (np.zeros((3, 3), np.float32), "float 3x3"),
    ],
)
def test_small_tensors_are_written_out_and_large_ones_described(tmp_path, array, told):
    tensor = numpy_helper.from_array(np.asarray(array), "t")
    assert attributes(tmp_path, helper.make_node("Constant", [], ["y"], name="k", value=tensor), "y") == {
        "value": told
    }


def test_long_lists_are_cut_and_say_how_long(tmp_path):
    made = helper.make_node("Constant", [], ["y"], name="k", value_ints=list(range(1000, 2000)))
    told = attributes(tmp_path, made, "y")["value_ints"]
    assert told.startswith("1000, 1001, ") and told.endswith("(1000 in all)")
    assert len(told) < LONGEST_TEXT + 20


def test_bodies_are_counted(tmp_path):
    def branch(kinds: list[str]) -> onnx.GraphProto:
        nodes, last = [], "x"
        for number, kind in enumerate(kinds):
            nodes.append(node(kind, last, f"{kind}{number}", f"{kind}{number}"))
            last = f"{kind}{number}"
        return helper.make_graph(nodes, "body", [], [value(last, [4])])

    then, other = branch(["Relu"]), branch(["Abs", "Neg", "Exp", "Relu", "Sin", "Cos", "Tanh"])
    made = helper.make_node("If", ["go"], ["y"], name="if", then_branch=then, else_branch=other)
    proto = model([made], [value("x", [4]), value("go", [], onnx.TensorProto.BOOL)], [value("y", [4])])
    onnx.save(proto, tmp_path / "m.onnx")
    found = dict(drawn(tmp_path / "m.onnx").nodes[0].attributes)
    assert found["then_branch"] == "1 operators: Relu"
    assert found["else_branch"] == "7 operators: Abs, Neg, Exp, Relu, Sin, Cos, ..."


def test_the_module_of_a_mended_node_is_that_of_the_original(tmp_path):
    onnx.save(
        model([node("Relu", "x", "y", "/a/b/Conv/rkmend/conv")], [value("x", [4])], [value("y", [4])]),
        tmp_path / "m.onnx",
    )
    assert drawn(tmp_path / "m.onnx").nodes[0].module == "a.b"


def test_long_names_keep_both_ends():
    assert cut("short", 200) == "short"
    told = cut("a" * 5000 + "z" * 5000, 200)
    assert len(told) <= 200 and told.startswith("aaa") and told.endswith("zzz") and "…" in told


def test_an_initializer_that_an_old_model_lists_as_an_input_is_not_fed(tmp_path):
    inputs = [value("x", [4]), value("w", [4])]
    proto = model([node("Add", "x w", "y", "a")], inputs, [value("y", [4])], {"w": np.ones(4, np.float32)})
    onnx.save(proto, tmp_path / "m.onnx")
    graph = drawn(tmp_path / "m.onnx")
    assert [graph.values[place].name for place in graph.inputs] == ["x"]
    assert [one.name for one in graph.values if one.constant] == ["w"]
