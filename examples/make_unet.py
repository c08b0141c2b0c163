"""Writes examples/unet.onnx, a small U-Net whose way up is the one that RKNN-Toolkit2 2.3.2 gets wrong without a word.

Its transposed convolutions say `output_shape` and leave the padding to the runtime, as exporters write them. The
toolkit pads the wrong end: the file converts, and every output is shifted by a row and a column (rule RKM103).
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper

SIZE, LEVELS, WIDTH, CLASSES = 128, 4, 16, 8


class _Net:
    """Nodes and weights as they come."""

    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self.weights: list[TensorProto] = []
        self._rng = np.random.default_rng(0)

    def weight(self, name: str, *shape: int) -> str:
        """Random, scaled so that what comes out is of the size of what goes in."""
        fan_in = max(1, int(np.prod(shape[1:])))
        array = self._rng.standard_normal(shape) * np.sqrt(2 / fan_in)
        self.weights.append(numpy_helper.from_array(array.astype(np.float32), name))
        return name

    def node(self, op: str, inputs: list[str], output: str, **attributes: object) -> str:
        self.nodes.append(helper.make_node(op, inputs, [output], name=f"/{output}", **attributes))
        return output

    def convs(self, x: str, name: str, channels: int, out: int) -> str:
        """Two 3x3 convolutions, each with its activation."""
        for number, read in enumerate((channels, out)):
            at = f"{name}/conv{number}"
            operands = [x, self.weight(f"{at}.weight", out, read, 3, 3), self.weight(f"{at}.bias", out)]
            x = self.node("Conv", operands, at, kernel_shape=[3, 3], pads=[1, 1, 1, 1])
            x = self.node("Relu", [x], f"{name}/relu{number}")
        return x

    def up(self, x: str, name: str, channels: int, size: int) -> str:
        """Twice the height and the width, half the channels."""
        weight = self.weight(f"{name}/up.weight", channels, channels // 2, 3, 3)
        shape = [size, size]
        return self.node(
            "ConvTranspose",
            [x, weight],
            f"{name}/up",
            kernel_shape=[3, 3],
            strides=[2, 2],
            output_shape=shape,
        )


def unet() -> onnx.ModelProto:
    """The network: 1x3x128x128 -> 1x8x128x128; the weights are random with a fixed seed."""
    net, skips = _Net(), []
    x, channels, size = "image", 3, SIZE
    for level in range(LEVELS):
        x = net.convs(x, f"down{level}", channels, WIDTH << level)
        channels = WIDTH << level
        skips.append(x)
        x = net.node("MaxPool", [x], f"down{level}/pool", kernel_shape=[2, 2], strides=[2, 2])
        size //= 2
    x = net.convs(x, "middle", channels, channels * 2)
    channels *= 2
    for level in reversed(range(LEVELS)):
        size *= 2
        x = net.up(x, f"up{level}", channels, size)
        x = net.node("Concat", [x, skips[level]], f"up{level}/concat", axis=1)
        x = net.convs(x, f"up{level}", channels, channels // 2)
        channels //= 2
    net.node("Conv", [x, net.weight("head.weight", CLASSES, channels, 1, 1)], "scores", kernel_shape=[1, 1])
    graph = helper.make_graph(
        net.nodes,
        "unet",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, SIZE, SIZE])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, CLASSES, SIZE, SIZE])],
        net.weights,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


if __name__ == "__main__":
    path = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).with_name("unet.onnx"))
    onnx.save(unet(), path)
    print(f"wrote {path}")
