"""Building small ONNX models in tests, and running them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper


def value(
    name: str, shape: Sequence[int | str | None] | None, dtype: int = TensorProto.FLOAT
) -> ValueInfoProto:
    return helper.make_tensor_value_info(name, dtype, shape)


def model(
    nodes: Sequence[NodeProto],
    inputs: Sequence[ValueInfoProto],
    outputs: Sequence[ValueInfoProto],
    weights: Mapping[str, np.ndarray] | None = None,
    *,
    opset: int = 17,
    ir_version: int = 8,
    **more,
) -> onnx.ModelProto:
    tensors = [numpy_helper.from_array(array, name) for name, array in (weights or {}).items()]
    graph = helper.make_graph(nodes, "g", inputs, outputs, tensors)
    opsets = [helper.make_opsetid("", opset), *more.pop("opsets", ())]
    return helper.make_model(graph, opset_imports=opsets, ir_version=ir_version, **more)


def node(op_type: str, inputs: str, outputs: str, name: str = "", **attributes) -> NodeProto:
    return helper.make_node(op_type, inputs.split(), outputs.split(), name=name, **attributes)


def relu(shape: Sequence[int | str | None] | None = (1, 4)) -> onnx.ModelProto:
    return model([node("Relu", "x", "y", "relu")], [value("x", shape)], [value("y", shape)])


def linear(path: Path, *, rows: int = 8, external: str = "", seed: int = 0) -> Path:
    """x[1, rows] @ w[rows, 4] + b[4], with the weights in an external file if one is named."""
    random = np.random.default_rng(seed)
    weights = {"w": random.standard_normal((rows, 4), np.float32), "b": random.standard_normal(4, np.float32)}
    nodes = [node("MatMul", "x w", "m", "mm"), node("Add", "m b", "y", "add")]
    proto = model(nodes, [value("x", (1, rows))], [value("y", (1, 4))], weights)
    if external:
        onnx.save(proto, path, save_as_external_data=True, location=external, size_threshold=0)
    else:
        onnx.save(proto, path)
    return path


def run(proto: onnx.ModelProto, feeds: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What ONNX Runtime computes, without fusing operators: equal graphs then give equal bits."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(
        proto.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, dict(feeds)), strict=True))
