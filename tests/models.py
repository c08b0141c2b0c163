"""Small models for tests of trials."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from graphs import model, node, value

from rkmend.rules.selection import Selection

NO_RULES = Selection(ignore=("ALL",))
"""For tests of what happens to a failure that nothing is known of."""


def conv(path: Path, channels: int = 16, size: int = 32, out: int = 8) -> Path:
    """A 3x3 Conv with weights of one on a square map."""
    made = node("Conv", "x w", "y", "conv", kernel_shape=[3, 3], pads=[1] * 4)
    weights = {"w": np.ones((out, channels, 3, 3), np.float32)}
    inputs, outputs = [value("x", [1, channels, size, size])], [value("y", [1, out, size, size])]
    onnx.save(model([made], inputs, outputs, weights, opset=12), path)
    return path


def chain(length: int) -> onnx.ModelProto:
    """Relu after Relu, named relu0, relu1, ..., on [1, 4]."""
    names = ["x", *(f"v{number}" for number in range(length - 1)), "y"]
    nodes = [node("Relu", names[number], names[number + 1], name=f"relu{number}") for number in range(length)]
    return _inferred(nodes, [1, 4], [1, 4])


def x_xt_in_a_chain() -> onnx.ModelProto:
    """MatMul of a tensor with its own transpose, with harmless nodes before and after.

    SIGSEGV in 2.3.2 (https://github.com/airockchip/rknn-toolkit2/issues/395), and nothing is said of it.
    """
    nodes = [
        node("Relu", "x", "a", "relu"),
        node("Sigmoid", "a", "b", "sigmoid"),
        node("Tanh", "b", "c", "tanh"),
        node("Transpose", "c", "t", "transpose", perm=[0, 2, 1]),
        node("MatMul", "c t", "m", "matmul"),
        node("Sigmoid", "m", "n", "sigmoid_2"),
        node("Tanh", "n", "y", "tanh_2"),
    ]
    return _inferred(nodes, [1, 64, 32], [1, 64, 64])


def two_culprits(path: Path) -> Path:
    """Two Convs on two branches, each with a row of padding beyond its kernel at the bottom, joined by a Mul.

    The smallest height (3) at which the three-core version of the seed's Conv fails with bottom padding alone.
    """
    rng = np.random.default_rng(0)
    weights = {}
    for name in ("first", "second"):
        weights[f"{name}_w"] = rng.standard_normal((128, 384, 1, 1)).astype(np.float32) / np.float32(20)
        weights[f"{name}_b"] = rng.standard_normal(128).astype(np.float32)
    padded = {"kernel_shape": [1, 1], "pads": [0, 0, 1, 0]}
    nodes = [
        node("Conv", "x first_w first_b", "a", "first", **padded),
        node("Relu", "a", "ra", "relu"),
        node("Conv", "x second_w second_b", "b", "second", **padded),
        node("Sigmoid", "b", "sb", "sigmoid"),
        node("Mul", "ra sb", "y", "mul"),
    ]
    made = model(nodes, [value("x", [1, 384, 3, 1198])], [value("y", [1, 128, 4, 1198])], weights, opset=12)
    onnx.save(made, path)
    return path


def _inferred(nodes: list[onnx.NodeProto], shape_in: list[int], shape_out: list[int]) -> onnx.ModelProto:
    made = model(nodes, [value("x", shape_in)], [value("y", shape_out)], opset=12)
    return onnx.shape_inference.infer_shapes(made)
