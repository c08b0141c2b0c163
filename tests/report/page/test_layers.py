"""Rows of the compiler's table and the nodes computed in them; names as toolkit 2.3.2 prints them (own builds)."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from graphs import model, node, value
from page_results import layer

from rkmend import plan
from rkmend.report.page.layers import layer_rows
from rkmend.report.page.opened import Opened


@pytest.fixture(scope="module")
def read(tmp_path_factory):
    """Conv, Relu; Conv, Sigmoid, Mul; Reshape."""
    path = tmp_path_factory.mktemp("m") / "m.onnx"
    nodes = [
        node("Conv", "x w", "c0", "Conv_0", kernel_shape=[1, 1]),
        node("Relu", "c0", "r", "Relu_1"),
        node("Conv", "r w", "c2", "Conv_2", kernel_shape=[1, 1]),
        node("Sigmoid", "c2", "s", "Sigmoid_3"),
        node("Mul", "c2 s", "m", "Mul_4"),
        node("Reshape", "m shape", "272", "Reshape_5"),
    ]
    weights = {"w": np.ones((8, 8, 1, 1), np.float32), "shape": np.array([1, 8, 64])}
    onnx.save(model(nodes, [value("x", [1, 8, 8, 8])], [value("272", [1, 8, 64])], weights, opset=13), path)
    return Opened.read("original", path, {}), plan(path, target="rk3588").layers


@pytest.mark.parametrize(
    ("kind", "name", "nodes"),
    [
        ("ConvRelu", "Conv:Conv_0", ["Conv_0", "Relu_1"]),
        ("ConvExSwish", "Conv:Conv_2", ["Conv_2", "Sigmoid_3", "Mul_4"]),
        ("Conv", "Conv:Conv_0", ["Conv_0"]),  # what else it computes is not known for certain
        ("Reshape", "Reshape:272_rs", ["Reshape_5"]),  # named by its output
        ("Reshape", "Reshape:272-rs", ["Reshape_5"]),
        ("Reshape", "Reshape:m_rs", []),  # a Reshape of the toolkit's own behind the Mul
        ("Conv", "Conv:Conv_", []),  # cut: it may be either
        ("Conv", "", []),
        ("InputOperator", "InputOperator:x", []),
        ("OutputOperator", "OutputOperator:272", []),
    ],
)
def test_nodes_of_a_row(read, kind, name, nodes):
    opened, planned = read
    (row,) = layer_rows([layer(kind, name)], "original", opened, planned)
    assert row.nodes == opened.numbers(tuple(nodes))
    assert (row.op, row.name, row.cycles, row.target) == (kind, name, 100, "NPU")


def test_without_the_model_rows_have_no_nodes():
    (row,) = layer_rows([layer("Conv", "Conv:Conv_0")], "mended", None, ())
    assert row.nodes == () and row.which == "mended"
