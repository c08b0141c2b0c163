"""A network whose int8 build is right, layer by layer, and drowns: one channel is huge and nobody reads it."""

from __future__ import annotations

import numpy as np
import onnx
from graphs import model, node, value

SHAPE = [1, 4, 8, 8]


def drowning(factor: float) -> onnx.ModelProto:
    """Conv, Relu, Conv; the first channel in between is larger than the others by this factor."""
    rng = np.random.default_rng(0)
    first, second = (rng.standard_normal((4, 4, 1, 1)).astype(np.float32) for _ in range(2))
    first[0] *= factor
    second[:, 0] = 0
    nodes = [
        node("Conv", "x w", "c", "first"),
        node("Relu", "c", "r", "relu"),
        node("Conv", "r v", "y", "second"),
    ]
    weights = {"w": first, "v": second}
    return model(nodes, [value("x", SHAPE)], [value("y", SHAPE)], weights, opset=13)
