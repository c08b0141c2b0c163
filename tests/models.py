"""Small models that several tests make."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def conv(path: Path, channels: int = 16, size: int = 32, out: int = 8) -> Path:
    weight = np.ones((out, channels, 3, 3), np.float32)
    node = helper.make_node("Conv", ["x", "w"], ["y"], name="conv", kernel_shape=[3, 3], pads=[1] * 4)
    graph = helper.make_graph(
        [node],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, channels, size, size])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, out, size, size])],
        [numpy_helper.from_array(weight, "w")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 12)], ir_version=8), path)
    return path


def chain(length: int) -> onnx.ModelProto:
    """Relu after Relu, named relu0, relu1, ..., on [1, 4]."""
    names = ["x", *(f"v{number}" for number in range(length - 1)), "y"]
    nodes = [
        helper.make_node("Relu", [names[number]], [names[number + 1]], name=f"relu{number}")
        for number in range(length)
    ]
    return _model(nodes, [1, 4], [1, 4])


def x_xt_in_a_chain() -> onnx.ModelProto:
    """MatMul of a tensor with its own transpose, with harmless nodes before and after."""
    nodes = [
        helper.make_node("Relu", ["x"], ["a"], name="relu"),
        helper.make_node("Sigmoid", ["a"], ["b"], name="sigmoid"),
        helper.make_node("Tanh", ["b"], ["c"], name="tanh"),
        helper.make_node("Transpose", ["c"], ["t"], name="transpose", perm=[0, 2, 1]),
        helper.make_node("MatMul", ["c", "t"], ["m"], name="matmul"),
        helper.make_node("Sigmoid", ["m"], ["n"], name="sigmoid_2"),
        helper.make_node("Tanh", ["n"], ["y"], name="tanh_2"),
    ]
    return _model(nodes, [1, 64, 32], [1, 64, 64])


def _model(nodes: list[onnx.NodeProto], shape_in: list[int], shape_out: list[int]) -> onnx.ModelProto:
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape_in)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape_out)],
    )
    return onnx.shape_inference.infer_shapes(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 12)], ir_version=8)
    )
