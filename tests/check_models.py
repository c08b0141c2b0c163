"""The models whose check is recorded in fixtures/check: the seed, one with many kinds of findings, a hostile one."""

from __future__ import annotations

import numpy as np
import onnx
from make_seed import seed_model
from onnx import TensorProto, helper, numpy_helper


def decoder() -> onnx.ModelProto:
    """Convs of odd channels and in groups, Mish, a Resize by 1.5, an input that is cast."""
    rng = np.random.default_rng(0)
    weights = {
        "w0": rng.standard_normal((36, 36, 3, 3)),
        "w1": rng.standard_normal((36, 9, 3, 3)),
        "w2": rng.standard_normal((36, 36, 3, 3)),
        "w3": rng.standard_normal((8, 36, 1, 1)),
    }
    arrays = {name: array.astype(np.float32) for name, array in weights.items()}
    arrays["scales"] = np.array([1, 1, 1.5, 1.5], np.float32)
    nodes = [
        helper.make_node("Cast", ["image"], ["x"], name="/Cast", to=TensorProto.FLOAT),
        helper.make_node("Conv", ["x", "w0"], ["a"], name="/body/body.0/conv/Conv", pads=[1] * 4),
        helper.make_node("Mish", ["a"], ["b"], name="/body/body.0/act/Mish"),
        helper.make_node("Conv", ["b", "w1"], ["c"], name="/body/body.1/conv/Conv", pads=[1] * 4, group=4),
        helper.make_node("Mish", ["c"], ["d"], name="/body/body.1/act/Mish"),
        helper.make_node("Resize", ["d", "", "scales"], ["e"], name="/up/Resize", mode="linear"),
        helper.make_node("Conv", ["e", "w2"], ["f"], name="/head/conv/Conv", pads=[1] * 4),
        helper.make_node("Mish", ["f"], ["g"], name="/head/act/Mish"),
        helper.make_node("Conv", ["g", "w3"], ["h"], name="/head/out/Conv"),
        helper.make_node("Mish", ["h"], ["y"]),
    ]
    return _model(nodes, arrays, TensorProto.UINT8, [1, 36, 32, 32], "image")


def hostile() -> onnx.ModelProto:
    """Names that clear the screen, colour it, and command GitHub."""
    nodes = [
        helper.make_node("Abs", ["x"], ["a"], name="a"),
        helper.make_node("Mish", ["a"], ["y"], name="\x1b[2J100%\n::error::owned,:"),
    ]
    return _model(nodes, {}, TensorProto.FLOAT, [1, 3, 8, 8], "x")


def _model(
    nodes: list[onnx.NodeProto], arrays: dict[str, np.ndarray], dtype: int, shape: list[int], name: str
) -> onnx.ModelProto:
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info(name, dtype, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(array, key) for key, array in arrays.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


MODELS = {"seed": seed_model, "decoder": decoder, "hostile": hostile}
