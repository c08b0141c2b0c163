"""Writes examples/seed_conv.onnx, the case that started rkmend.

One Conv, 1x1, pads 1 on every side, input 1x384x126x1198, 128 output channels. RKNN-Toolkit2 2.0 to 2.5 abort on it
for rk3588 with `Failed to config layer: 'Conv:/lila2/conv/conv/Conv', Fatal Error`; ONNX Runtime runs it.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

CHANNELS, HEIGHT, WIDTH, OUT_CHANNELS = 384, 126, 1198, 128


def seed_model(height: int = HEIGHT) -> onnx.ModelProto:
    """The seed model; the weights are random with a fixed seed, scaled so that outputs are of order 1.

    Args:
        height: Rows of the input. With fewer than the seed has, most heights fail alike, and 4, 10, 16, ... convert.
    """
    rng = np.random.default_rng(0)
    weight = rng.standard_normal((OUT_CHANNELS, CHANNELS, 1, 1)).astype(np.float32) / np.float32(
        np.sqrt(CHANNELS)
    )
    bias = rng.standard_normal(OUT_CHANNELS).astype(np.float32)
    conv = helper.make_node(
        "Conv",
        ["x", "weight", "bias"],
        ["y"],
        name="/lila2/conv/conv/Conv",
        kernel_shape=[1, 1],
        pads=[1, 1, 1, 1],
        strides=[1, 1],
    )
    graph = helper.make_graph(
        [conv],
        "seed_conv",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, CHANNELS, height, WIDTH])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, OUT_CHANNELS, height + 2, WIDTH + 2])],
        [numpy_helper.from_array(weight, "weight"), numpy_helper.from_array(bias, "bias")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 12)], ir_version=8)


if __name__ == "__main__":
    path = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).with_name("seed_conv.onnx"))
    onnx.save(seed_model(), path)
    print(f"wrote {path}")
