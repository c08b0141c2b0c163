"""Raising models from before opset 7."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from graphs import model, node, run, value

from rkmend.errors import InputError
from rkmend.graph import load, modernised


def old(made, inputs, output, weights=None, *, opset=6) -> onnx.ModelProto:
    return model([made], inputs, [value("y", output)], weights, opset=opset, ir_version=4)


def raised(proto: onnx.ModelProto, folder) -> onnx.ModelProto:
    onnx.save(proto, folder / "old.onnx")
    result = modernised(load(folder / "old.onnx"), folder / "new.onnx")
    assert result.path == folder / "new.onnx"
    return onnx.load(result.path)


def test_broadcasting_along_an_axis(tmp_path):
    proto = old(
        node("Add", "x b", "y", "add", broadcast=1, axis=1),
        [value("x", [2, 3, 4])],
        [2, 3, 4],
        {"b": np.arange(3, dtype=np.float32)},
    )
    x = np.ones((2, 3, 4), np.float32)
    expected = x + np.arange(3, dtype=np.float32)[:, None]
    assert np.array_equal(run(raised(proto, tmp_path), {"x": x})["y"], expected)


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 4), (2, 3, 4, 5), (2, 3, 4, 5, 2)])
@pytest.mark.parametrize("slopes", [1, 3])
def test_slopes_of_channels(shape, slopes, tmp_path):
    slope = np.arange(1, slopes + 1, dtype=np.float32)
    proto = old(node("PRelu", "x s", "y", "prelu"), [value("x", shape)], shape, {"s": slope})
    x = -np.ones(shape, np.float32)
    expected = x * slope.reshape(-1, *[1] * (len(shape) - 2))
    assert np.array_equal(run(raised(proto, tmp_path), {"x": x})["y"], np.broadcast_to(expected, shape))


def test_a_newer_model_stays_as_it_is(tmp_path):
    onnx.save(old(node("Relu", "x", "y", "relu"), [value("x", [2])], [2], opset=7), tmp_path / "new.onnx")
    given = load(tmp_path / "new.onnx")
    assert modernised(given, tmp_path / "raised.onnx") is given


def test_what_the_converter_gives_up_on_is_an_input_error(tmp_path):
    made = node("BatchNormalization", "x s s s s", "y", "norm", is_test=0)
    weights = {"s": np.ones(3, np.float32)}
    onnx.save(old(made, [value("x", [1, 3, 2])], [1, 3, 2], weights), tmp_path / "old.onnx")
    with pytest.raises(InputError, match="opset 6"):
        modernised(load(tmp_path / "old.onnx"), tmp_path / "raised.onnx")
