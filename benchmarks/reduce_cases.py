"""The failing models that `reduce.py` gives to both reducers, and who judges each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import GraphProto, NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

from rkmend.graph import export, freeze, load


@dataclass(frozen=True)
class Case:
    """A model that fails.

    Attributes:
        name: For `--cases`.
        text: For the table.
        make: Writes the model to a path.
        message: What the toolkit prints when it fails so, as a regular expression.
        operators: The check is a script that says no iff the model holds all of these, at any level; the toolkit
            judges when there are none.
    """

    name: str
    text: str
    make: Callable[[Path], None]
    message: str = ""
    operators: tuple[str, ...] = ()


class Net:
    """A graph that grows node by node; all tensors float32."""

    def __init__(self, shape: Sequence[int]) -> None:
        self.inputs = [value("x", shape)]
        self.nodes: list[NodeProto] = []
        self.weights: dict[str, np.ndarray] = {}
        self.random = np.random.default_rng(0)

    def add(self, op_type: str, *inputs: str, name: str = "", **attributes: Any) -> str:
        """A node more; the name of what it makes."""
        name = name or f"{op_type.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(op_type, inputs, [f"{name}_out"], name=name, **attributes))
        return f"{name}_out"

    def weight(self, array: np.ndarray) -> str:
        """An initializer more; its name."""
        name = f"w{len(self.weights)}"
        self.weights[name] = array
        return name

    def conv(self, data: str, channels: int, out: int, kernel: int = 3, pad: int = 1, name: str = "") -> str:
        """A Conv with bias; random weights that keep the numbers of order 1."""
        scale = np.float32((channels * kernel * kernel) ** -0.5)
        weight = self.weight(scale * self.random.standard_normal((out, channels, kernel, kernel), np.float32))
        bias = self.weight(self.random.standard_normal(out, np.float32))
        return self.add("Conv", data, weight, bias, name=name, kernel_shape=[kernel] * 2, pads=[pad] * 4)

    def block(self, data: str, channels: int) -> str:
        """A residual block of 5 nodes."""
        inner = self.conv(self.add("Relu", self.conv(data, channels, channels)), channels, channels)
        return self.add("Relu", self.add("Add", data, inner))

    def save(self, path: Path, output: str, shape: Sequence[int]) -> None:
        """Writes the model, with the shapes of all tensors, as exporters do."""
        tensors = [numpy_helper.from_array(array, name) for name, array in self.weights.items()]
        graph = helper.make_graph(self.nodes, "net", self.inputs, [value(output, shape)], tensors)
        opset = helper.make_opsetid("", 14)
        model = onnx.shape_inference.infer_shapes(
            helper.make_model(graph, opset_imports=[opset], ir_version=8), strict_mode=True
        )
        onnx.checker.check_model(model)
        onnx.save(model, path)


def value(name: str, shape: Sequence[int]) -> ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def seed_in_a_net(path: Path) -> None:
    """60 nodes: 8 channels before the seed's Conv of 384 -> 128 channels on 126x1198, 8 after it."""
    net = Net([1, 3, 126, 1198])
    data = net.add("Relu", net.conv("x", 3, 8))
    for _ in range(5):
        data = net.block(data, 8)
    data = net.add("Relu", net.conv(data, 8, 384, 1, 0))
    data = net.add("Relu", net.conv(data, 384, 128, 1, 1, name="/lila2/conv/conv/Conv"))
    data = net.add("Relu", net.conv(data, 128, 8, 1, 0))
    for _ in range(5):
        data = net.block(data, 8)
    net.save(path, net.add("Sigmoid", net.add("Tanh", data)), [1, 8, 128, 1200])


def two_branches(path: Path) -> None:
    """87 nodes: a residual net with a HardSwish on one branch and a Softplus on another, far from each other."""
    net = Net([1, 8, 16, 16])
    data = net.add("Relu", net.conv("x", 8, 8))
    for _ in range(4):
        data = net.block(data, 8)
    left = net.add("HardSwish", net.block(net.block(net.block(data, 8), 8), 8))
    right = net.add("Softplus", net.block(net.block(net.block(data, 8), 8), 8))
    data = net.add("Mul", net.block(net.block(left, 8), 8), net.block(right, 8))
    for _ in range(3):
        data = net.block(data, 8)
    net.save(path, net.add("Sigmoid", net.add("Tanh", data)), [1, 8, 16, 16])


def if_in_a_net(path: Path) -> None:
    """54 nodes: 12 in each branch of an If, one of them a Softplus, and one that reads a weight of the main graph.

    The condition is a question of the input's shape, so it is constant. The toolkit folds constants, and makes an
    invalid graph of a branch that reads such a weight; without that node it puts the branch in the place of the If.
    """
    net = Net([1, 8, 16, 16])
    data = net.block(net.block("x", 8), 8)
    width = net.add("Gather", net.add("Shape", data), net.weight(np.array(3)), axis=0)
    condition = net.add("Equal", width, net.weight(np.array(16)))
    scale = net.weight(np.full((1, 8, 1, 1), 0.5, np.float32))
    chosen = net.add(
        "If",
        condition,
        then_branch=branch("then", data, 5, "Softplus"),
        else_branch=branch("else", data, 7, "Mul", scale),
    )
    data = net.add("Add", data, chosen)
    for _ in range(7):
        data = net.add("Neg", net.add("Relu", data))
    net.save(path, net.add("Sigmoid", data), [1, 8, 16, 16])


def branch(name: str, outer: str, place: int, op_type: str, *more: str) -> GraphProto:
    """A branch of an If, of 12 nodes; reads `outer`, and `more` in the node of type `op_type` at `place`."""
    nodes = []
    for index in range(12):
        made = f"{name}_{index}"
        if index == place:
            nodes.append(helper.make_node(op_type, [outer, *more], [made], name=made))
        else:
            nodes.append(helper.make_node(("Tanh", "Relu", "Sigmoid")[index % 3], [outer], [made], name=made))
        outer = made
    return helper.make_graph(nodes, name, [], [value(outer, [1, 8, 16, 16])])


def network(path: Path, inputs: Mapping[str, tuple[int, ...]]) -> Callable[[Path], None]:
    """A network from a file. One with dynamic inputs is saved with static ones, for both reducers."""

    def make(to: Path) -> None:
        export(freeze(load(path), dict(inputs)).ir, to)

    return make


NETWORKS: dict[str, tuple[str, str, str, dict[str, tuple[int, ...]]]] = {
    "person_reid": (
        "kazuhito-mot__person_reid_0287.onnx",
        "github.com/Kazuhito00/MOT-Tracking-by-Detection-Pipeline, person-reidentification-retail-0287",
        "cannot reshape array of size",
        {},
    ),
    "fns_candy": (
        "winml__fns_candy.onnx",
        "github.com/microsoft/Windows-Machine-Learning, SharedContent/models/candy.onnx",
        "_Map_base::at",
        {"inputImage": (1, 3, 720, 720)},
    ),
    "bilstm_int8": (
        "text2tashkeel__bilstm_int8.onnx",
        "the package text2tashkeel 0.1.0, models/bilstm.int8.onnx",
        "will cause the graph to be a dynamic graph",
        {"input_ids": (1, 32)},
    ),
}
"""File, where it comes from, how it fails, static shapes."""


def cases(models: Path | None) -> list[Case]:
    """All cases; those of real networks only where their files are."""
    made = [
        Case("seed", "the seed's Conv in a net of 60 nodes", seed_in_a_net, "Failed to config layer"),
        Case("branches", "two operators on two branches", two_branches, operators=("HardSwish", "Softplus")),
        Case(
            "body",
            "one operator in the body of an If, judged by a script",
            if_in_a_net,
            operators=("Softplus",),
        ),
        Case("if", "one operator in the body of an If, judged by the toolkit", if_in_a_net, "INVALID_GRAPH"),
    ]
    for name, (file, source, message, inputs) in NETWORKS.items():
        if models and (models / file).exists():
            made.append(Case(name, source, network(models / file, inputs), message))
    return made
