"""Operators that early vision models begin with and that ONNX has dropped."""

from __future__ import annotations

import numpy as np
import onnx
from graphs import model, node, value

from rule_bench import rewrite_and_trial

MAP = [1, 3, 12, 12]


def image_scaler() -> onnx.ModelProto:
    scaler = node("ImageScaler", "x", "s", "scaler", scale=2.0, bias=[1.0, -2.0, 3.0])
    return model([scaler, node("Relu", "s", "y", "relu")], [value("x", MAP)], [value("y", MAP)], opset=7)


def crop() -> onnx.ModelProto:
    cut = node("Crop", "r", "y", "crop", border=[1, 2, 3, 4])
    return model(
        [node("Relu", "x", "r", "relu"), cut], [value("x", MAP)], [value("y", [1, 3, 6, 8])], opset=7
    )


def affine() -> onnx.ModelProto:
    line = node("Affine", "r", "y", "affine", alpha=2.5, beta=-1.5)
    return model([node("Relu", "x", "r", "relu"), line], [value("x", MAP)], [value("y", MAP)], opset=7)


def constant_of_shape() -> onnx.ModelProto:
    """Without `value`: with one the toolkit takes it."""
    nodes = [
        node("ConstantOfShape", "shape", "c", "zeros"),
        node("Concat", "x c", "y", "concat", axis=1),
    ]
    weights = {"shape": np.array([1, 2, 12, 12], np.int64)}
    return model(nodes, [value("x", MAP)], [value("y", [1, 5, 12, 12])], weights, opset=12)


CASES = {"RKM201": constant_of_shape, "RKM202": image_scaler, "RKM203": crop, "RKM204": affine}


test_rewrite, test_trial = rewrite_and_trial({code: (code, make()) for code, make in CASES.items()})
