"""Random graphs of simple operators, for properties that must hold for every graph."""

from __future__ import annotations

import numpy as np
import onnx
from graphs import model, node, value
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

CHANNELS, SIDE = 4, 3


class _Builder:
    """Grows a graph; every value is [batch, channels, side] float32."""

    def __init__(self, draw, batch: int | str) -> None:
        self.draw, self.batch = draw, batch
        self.nodes: list[onnx.NodeProto] = []
        self.weights: dict[str, np.ndarray] = {}
        self.values = {"x": CHANNELS, "z": CHANNELS}
        self.random = np.random.default_rng(draw(st.integers(0, 2**16)))

    def add(self, op_type: str, inputs: str, *channels: int, **attributes) -> list[str]:
        """A node with one output for each of `channels`; a channel count of 0 is a value of another kind."""
        number = len(self.nodes)
        outputs = [f"v{number}_{index}" for index in range(len(channels))]
        self.nodes.append(node(op_type, inputs, " ".join(outputs), f"n{number}", **attributes))
        self.values |= {name: count for name, count in zip(outputs, channels, strict=True) if count}
        return outputs

    def pick(self, channels: int | None = None) -> str:
        return self.draw(
            st.sampled_from([name for name, count in self.values.items() if channels in (None, count)])
        )

    def weight(self, *shape: int) -> str:
        name = f"w{len(self.weights)}"
        self.weights[name] = self.random.standard_normal(shape, dtype=np.float32)
        return name

    def grow(self) -> None:
        kind = self.draw(
            st.sampled_from(["unary", "binary", "conv", "concat", "split", "constant", "reshape", "if"])
        )
        first = self.pick()
        channels = self.values[first]
        if kind == "unary":
            self.add(self.draw(st.sampled_from(["Relu", "Neg", "Sigmoid"])), first, channels)
        elif kind == "binary":
            second = self.pick(channels)
            self.add(self.draw(st.sampled_from(["Add", "Mul", "Max"])), f"{first} {second}", channels)
        elif kind == "conv":
            self.add(
                "Conv", f"{first} {self.weight(CHANNELS, channels, 1)} {self.weight(CHANNELS)}", CHANNELS
            )
        elif kind == "concat" and channels <= 8:
            second = self.pick()
            self.add("Concat", f"{first} {second}", channels + self.values[second], axis=1)
        elif kind == "split" and channels % 2 == 0:
            self.add("Split", first, channels // 2, channels // 2, axis=1)
        elif kind == "constant":
            tensor = numpy_helper.from_array(
                self.random.standard_normal((1, channels, SIDE), dtype=np.float32)
            )
            (constant,) = self.add("Constant", "", 0, value=tensor)
            self.add("Sub", f"{first} {constant}", channels)
        elif kind == "reshape":
            self.through_a_computed_shape(first, channels)
        elif kind == "if":
            self.branch(first, channels)

    def through_a_computed_shape(self, name: str, channels: int) -> None:
        """Flattens and comes back, by shapes that the graph itself computes with casts and a division."""
        (shape,) = self.add("Shape", name, 0)
        (product,) = self.add("ReduceProd", shape, 0, keepdims=1)
        (flat,) = self.add("Reshape", f"{name} {product}", 0)
        (real,) = self.add("Cast", shape, 0, to=TensorProto.FLOAT)
        (back,) = self.add("Cast", real, 0, to=TensorProto.INT64)
        self.add("Reshape", f"{flat} {back}", channels)

    def branch(self, name: str, channels: int) -> None:
        """An If on a graph input whose branches capture an outer value and an initializer."""
        (low,) = self.add("ReduceMin", name, 0, keepdims=0)
        (condition,) = self.add("Less", f"{low} {self.weight()}", 0)
        shift = self.weight(1, channels, 1)
        then = helper.make_graph([node("Add", f"{name} {shift}", f"t{len(self.nodes)}", f"t{len(self.nodes)}")], "then",
                                 [], [value(f"t{len(self.nodes)}", (self.batch, channels, SIDE))])  # fmt: skip
        other = helper.make_graph([node("Neg", name, f"e{len(self.nodes)}", f"e{len(self.nodes)}")], "else",
                                  [], [value(f"e{len(self.nodes)}", (self.batch, channels, SIDE))])  # fmt: skip
        self.add("If", condition, channels, then_branch=then, else_branch=other)


@st.composite
def dags(draw, batch: int | str = 2) -> onnx.ModelProto:
    """Models with two inputs `x`, `z` of [batch, 4, 3], 1 to 8 steps, and one or two outputs."""
    builder = _Builder(draw, batch)
    for _ in range(draw(st.integers(1, 8))):
        builder.grow()
    made = [name for name in builder.values if name not in ("x", "z")]
    if not made:
        made = builder.add("Add", "x z", CHANNELS)
    outputs = {made[-1], draw(st.sampled_from(made))}
    return model(
        builder.nodes,
        [value(name, (batch, CHANNELS, SIDE)) for name in ("x", "z")],
        [value(name, (batch, builder.values[name], SIDE)) for name in sorted(outputs)],
        builder.weights,
    )


def feeds(seed: int, batch: int = 2) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    return {name: random.standard_normal((batch, CHANNELS, SIDE), dtype=np.float32) for name in ("x", "z")}


def with_all_values(proto: onnx.ModelProto) -> onnx.ModelProto:
    """The same model with every value of its main graph as an output."""
    copy = onnx.ModelProto()
    copy.CopyFrom(proto)
    del copy.graph.output[:]
    for item in copy.graph.node:
        for name in item.output:
            copy.graph.output.add(name=name)
    return copy
