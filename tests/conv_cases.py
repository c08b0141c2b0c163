"""Conv models of every kind, for tests of rules and mends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx
import onnx_ir as ir
import onnxruntime as ort
from hypothesis import assume
from hypothesis import strategies as st
from onnx import helper, numpy_helper

from rkmend.tiling.conv import ConvGeometry

NODE = "/block/Conv"


SMALL = ConvGeometry(
    batch=1,
    channels=3,
    height=5,
    width=6,
    out_channels=4,
    kernel_h=1,
    kernel_w=1,
    pad_top=1,
    pad_left=1,
    pad_bottom=1,
    pad_right=1,
)
"""The seed case, small."""


@dataclass(frozen=True)
class Case:
    """A model with one Conv."""

    geometry: ConvGeometry = SMALL
    bias: bool = True
    consumers: tuple[str, ...] = ()
    """Operators that take the output of the Conv, which is a graph output too."""
    opset: int = 13
    dtype: type = np.float32
    weights: str = "initializer"
    """`initializer`, `input` (initializers that are graph inputs too, as before IR version 4), `constant`
    (Constant nodes) or `computed` (a node's output)."""
    integers: bool = True
    """Weights small enough for exact arithmetic, also in float16."""

    def proto(self, **pads: object) -> onnx.ModelProto:
        """The model; keyword arguments replace the `pads` of the Conv."""
        g = self.geometry
        rng = np.random.default_rng(0)
        shapes = {
            "w": (g.out_channels, g.channels // g.groups, g.kernel_h, g.kernel_w),
            "b": (g.out_channels,),
        }
        nodes, initializers = [], []
        for name, shape in list(shapes.items())[: 2 if self.bias else 1]:
            array = rng.integers(-3, 4, shape) if self.integers else rng.standard_normal(shape)
            tensor = numpy_helper.from_array(array.astype(self.dtype), name)
            if self.weights == "constant":
                nodes.append(helper.make_node("Constant", [], [name], name=f"make_{name}", value=tensor))
            elif self.weights == "computed":
                tensor.name = f"{name}_stored"
                initializers.append(tensor)
                nodes.append(helper.make_node("Relu", [tensor.name], [name], name=f"make_{name}"))
            else:
                initializers.append(tensor)
        pads = pads or {"pads": [g.pad_top, g.pad_left, g.pad_bottom, g.pad_right]}
        nodes.append(
            helper.make_node(
                "Conv",
                ["x", "w", *(["b"] if self.bias else [])],
                ["y"],
                name=NODE,
                kernel_shape=[g.kernel_h, g.kernel_w],
                strides=[g.stride_h, g.stride_w],
                dilations=[g.dilation_h, g.dilation_w],
                group=g.groups,
                **pads,
            )
        )
        nodes += [
            helper.make_node(op, ["y"], [f"z{i}"], name=f"after{i}") for i, op in enumerate(self.consumers)
        ]
        kind = helper.np_dtype_to_tensor_dtype(np.dtype(self.dtype))
        outputs = [helper.make_tensor_value_info(name, kind, None) for name in self.outputs]
        data = helper.make_tensor_value_info("x", kind, self.input_shape)
        inputs, ir_version = [data], 8
        if self.weights == "input":
            inputs += [helper.make_tensor_value_info(t.name, kind, t.dims) for t in initializers]
            ir_version = 3
        graph = helper.make_graph(nodes, "g", inputs, outputs, initializers)
        opsets = [helper.make_opsetid("", self.opset)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=ir_version)
        return onnx.shape_inference.infer_shapes(model, strict_mode=True)

    def model(self) -> ir.Model:
        return ir.from_proto(self.proto())

    @property
    def input_shape(self) -> tuple[int, int, int, int]:
        return self.geometry.batch, self.geometry.channels, self.geometry.height, self.geometry.width

    @property
    def outputs(self) -> list[str]:
        return ["y", *(f"z{i}" for i in range(len(self.consumers)))]

    def feed(self) -> dict[str, np.ndarray]:
        """Whole numbers so small that every sum is exact in `dtype`."""
        rng = np.random.default_rng(1)
        return {"x": rng.integers(-3, 4, self.input_shape).astype(self.dtype)}


def run(model: ir.Model | onnx.ModelProto, feed: dict[str, np.ndarray]) -> list[np.ndarray]:
    """ONNX Runtime, with the model as it is written."""
    proto = model if isinstance(model, onnx.ModelProto) else ir.to_proto(model)
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    return ort.InferenceSession(proto.SerializeToString(), options, ["CPUExecutionProvider"]).run(None, feed)


@st.composite
def geometries(draw: st.DrawFn) -> ConvGeometry:
    """Small Convs of every kind with at least one output."""
    groups = draw(st.integers(1, 3))
    small, pad = st.integers(1, 3), st.integers(0, 7)
    geometry = ConvGeometry(
        batch=draw(st.integers(1, 2)),
        channels=groups * draw(st.integers(1, 2)),
        height=draw(st.integers(1, 6)),
        width=draw(st.integers(1, 6)),
        out_channels=groups * draw(st.integers(1, 2)),
        kernel_h=draw(small),
        kernel_w=draw(small),
        stride_h=draw(st.integers(1, 4)),
        stride_w=draw(st.integers(1, 4)),
        pad_top=draw(pad),
        pad_left=draw(pad),
        pad_bottom=draw(pad),
        pad_right=draw(pad),
        dilation_h=draw(small),
        dilation_w=draw(small),
        groups=groups,
    )
    for axis in (geometry.rows, geometry.cols):
        assume(axis.pad_begin + axis.size + axis.pad_end >= axis.extent)
    return geometry


@st.composite
def cases(draw: st.DrawFn, *, beyond: bool = False) -> Case:
    """Models round the Convs of `geometries`, if `beyond` only those that RKM101 finds."""
    geometry = draw(geometries().filter(lambda g: g.rows.beyond) if beyond else geometries())
    return Case(
        geometry,
        bias=draw(st.booleans()),
        consumers=tuple(draw(st.lists(st.sampled_from(["Relu", "Sigmoid"]), max_size=2))),
        opset=draw(st.integers(7, 19)),
        dtype=draw(st.sampled_from([np.float32, np.float16])),
        weights=draw(st.sampled_from(["initializer", "input", "constant"])),
    )
