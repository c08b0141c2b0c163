"""A large network of one kind of block, for benchmarks of speed: Conv, Relu and Add with what went in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

CHANNELS, SIZE = 64, 32


def write_onnx(path: Path, nodes: int) -> Path:
    """A chain of blocks, `nodes` operators in all, with weights, as an .onnx file."""
    random = np.random.default_rng(0)
    made, weights, last = [], [], "x"
    shape = [1, CHANNELS, SIZE, SIZE]
    for block in range(nodes // 3):
        weight = (random.standard_normal((CHANNELS, CHANNELS, 3, 3)) * 0.04).astype(np.float32)
        bias = random.standard_normal(CHANNELS).astype(np.float32)
        weights += [numpy_helper.from_array(weight, f"w{block}"), numpy_helper.from_array(bias, f"b{block}")]
        made += [
            helper.make_node(
                "Conv", [last, f"w{block}", f"b{block}"], [f"c{block}"], f"conv{block}", pads=[1] * 4
            ),
            helper.make_node("Relu", [f"c{block}"], [f"r{block}"], f"relu{block}"),
            helper.make_node("Add", [f"r{block}", last], [f"a{block}"], f"add{block}"),
        ]
        last = f"a{block}"
    for number in range(nodes - len(made)):
        made.append(helper.make_node("Relu", [last], [f"t{number}"], f"tail{number}"))
        last = f"t{number}"
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)]
    outputs = [helper.make_tensor_value_info(last, TensorProto.FLOAT, shape)]
    graph = helper.make_graph(made, "large", inputs, outputs, weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, path)
    return path
