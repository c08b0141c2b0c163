"""Cutting a model in two: head and tail together are the model."""

from __future__ import annotations

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from graphs import model, node, run, value

from rkmend.graph import CannotExtract, cut_before, freeze, load

INT = onnx.TensorProto.INT64


def detector() -> onnx.ModelProto:
    """A Conv, and behind it two branches: one that an NPU can do, and one that ends in NonZero."""
    nodes = [
        node("Conv", "x w", "c", "conv"),
        node("Sigmoid", "c", "s", "scores"),
        node("Greater", "s half", "g", "above"),
        node("NonZero", "g", "places", "places"),
        node("Transpose", "places", "y", "rows", perm=[1, 0]),
    ]
    weights = {
        "w": np.random.default_rng(0).standard_normal((2, 3, 1, 1), np.float32),
        "half": np.float32(0.5),
    }
    outputs = [value("s", [1, 2, 4, 4]), value("y", [None, 4], INT)]
    return model(nodes, [value("x", [1, 3, 4, 4])], outputs, {**weights, "half": np.array(0.5, np.float32)})


def loaded(proto: onnx.ModelProto, folder) -> ir.Model:
    onnx.save(proto, folder / "m.onnx")
    return freeze(load(folder / "m.onnx"), {}).ir


def test_head_and_tail_are_the_model(tmp_path):
    head, tail = (ir.to_proto(part) for part in cut_before(loaded(detector(), tmp_path), ["places"]))
    x = np.random.default_rng(1).standard_normal((1, 3, 4, 4), np.float32)
    middle = run(head, {"x": x})
    whole = run(detector(), {"x": x})
    assert {node.op_type for node in tail.graph.node} == {"NonZero", "Transpose"}
    np.testing.assert_array_equal(middle["s"], whole["s"])
    feed = {given.name: middle[given.name] for given in tail.graph.input}
    np.testing.assert_array_equal(run(tail, feed)["y"], whole["y"])


def test_the_npu_keeps_what_is_heavy(tmp_path):
    whole = loaded(detector(), tmp_path)
    with pytest.raises(CannotExtract, match="Conv 'conv' depends"):
        cut_before(whole, ["conv"])


def test_a_head_without_anything_heavy_is_not_worth_it(tmp_path):
    nodes = [node("Relu", "x", "r", "relu"), node("NonZero", "r", "y", "places")]
    light = model(nodes, [value("x", [2, 2])], [value("y", [2, None], INT)])
    with pytest.raises(CannotExtract, match="worth an NPU"):
        cut_before(loaded(light, tmp_path), ["places"])
