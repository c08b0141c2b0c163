"""RKM306 to RKM308: what int8 builds get wrong or refuse, through whole conversions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from graphs import model, node, run, value

from quantiser import PAIRS, static
from rkmend.records import Status

pytestmark = pytest.mark.toolkit

SHAPE = [1, 4, 8, 8]


def calibration(folder: Path, **shapes: list[int]) -> Path:
    """Two random samples of inputs of these shapes."""
    folder.mkdir()
    for number in range(2):
        rng = np.random.default_rng(number)
        arrays = {name: rng.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
        np.savez(folder / f"{number}.npz", **arrays)
    return folder


def conv(*nodes: onnx.NodeProto, **weights: np.ndarray) -> onnx.ModelProto:
    """A 1x1 Conv that gives `c`, and what comes after it."""
    weights["w"] = np.random.default_rng(0).standard_normal((4, 4, 1, 1)).astype(np.float32)
    return model(
        [node("Conv", "x w", "c", "conv"), *nodes], [value("x", SHAPE)], [value("y", None)], weights, opset=13
    )


def test_a_model_that_is_quantised_already(convert, tmp_path):
    quantised = static(conv(node("Relu", "c", "y", "relu")), tmp_path, PAIRS)
    path = tmp_path / "m.onnx"
    onnx.save(quantised, path)
    result = convert(path, out=tmp_path / "out", quantize=calibration(tmp_path / "data", x=SHAPE))
    assert result.status is Status.MENDED, result.reason
    assert [(mend.code, mend.name) for mend in result.mends] == [("RKM306", "own-scales")]
    assert not result.options.quantize


def test_an_lstm_that_is_given_its_state(convert, tmp_path):
    rng = np.random.default_rng(0)
    size = 32
    weights = {
        name: (rng.standard_normal((1, 4 * size, size)) / np.sqrt(size)).astype(np.float32) for name in "wr"
    }
    names = ["x", "w", "r", "", "", "h", "c"]
    lstm = onnx.helper.make_node("LSTM", names, ["", "hn", "cn"], "lstm", hidden_size=size)
    shapes = {"x": [1, 1, size], "h": [1, 1, size], "c": [1, 1, size]}
    proto = model(
        [lstm],
        [value(name, shape) for name, shape in shapes.items()],
        [value("hn", [1, 1, size]), value("cn", [1, 1, size])],
        weights,
    )
    onnx.save(proto, tmp_path / "m.onnx")
    result = convert(
        tmp_path / "m.onnx", out=tmp_path / "out", quantize=calibration(tmp_path / "data", **shapes)
    )
    assert result.status is Status.MENDED, result.reason
    assert [(mend.code, mend.name) for mend in result.mends] == [("RKM307", "unroll")]


def test_boxes_and_scores_in_one_output(convert, tmp_path):
    nodes = [
        node("Abs", "c", "a", "abs"),
        node("Mul", "a pixels", "b", "boxes"),
        node("Sigmoid", "c", "s", "scores"),
        node("Concat", "b s", "j", "join", axis=1),
        node("Transpose", "j", "y", "turn", perm=[0, 2, 3, 1]),
    ]
    proto = conv(*nodes, pixels=np.array(640, np.float32))
    onnx.save(proto, tmp_path / "m.onnx")
    result = convert(
        tmp_path / "m.onnx", out=tmp_path / "out", quantize=calibration(tmp_path / "data", x=SHAPE)
    )
    assert result.status is Status.PARTIAL, result.reason
    assert result.tail is not None and result.tail.nodes == ("join", "turn")
    assert {check.output for check in result.verification} == {"b", "s"}
    tail = onnx.load(tmp_path / "out" / "m.tail.onnx")
    x = np.random.default_rng(2).standard_normal(SHAPE).astype(np.float32)
    proto.graph.output.extend([value("b", SHAPE), value("s", SHAPE)])
    whole = run(proto, {"x": x})
    np.testing.assert_array_equal(run(tail, {name: whole[name] for name in "bs"})["y"], whole["y"])
