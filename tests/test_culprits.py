"""Culprits that only the simulator shows, and those that nobody can wait for, on the real toolkit."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from graphs import model, node, value
from models import NO_RULES

from rkmend.records import Status
from rkmend.toolkit.trial import Limits
from rkmend.toolkit.verdict import Outcome

pytestmark = pytest.mark.toolkit


def dies_in_int8(kernels: np.ndarray) -> onnx.ModelProto:
    """A ConvTranspose of two groups ends the simulator of an int8 build; here among operators that are fine."""
    nodes = [
        node("Conv", "x k", "a", "conv", kernel_shape=[3, 3], pads=[1] * 4),
        node("Relu", "a", "b", "relu"),
        node("ConvTranspose", "b w", "c", "up", kernel_shape=[2, 2], strides=[2, 2], group=2),
        node("Relu", "c", "d", "relu_2"),
        node("MaxPool", "d", "y", "pool", kernel_shape=[2, 2], strides=[2, 2]),
    ]
    shape = [1, 8, 12, 12]
    return model(
        nodes,
        [value("x", shape)],
        [value("y", shape)],
        {"k": kernels, "w": kernels[:, :4, :2, :2].copy()},
        opset=13,
    )


def test_an_int8_model_that_ends_the_simulator_is_traced_to_the_operator(convert, tmp_path):
    rng = np.random.default_rng(0)
    onnx.save(dies_in_int8(rng.standard_normal((8, 8, 3, 3)).astype(np.float32)), tmp_path / "m.onnx")
    np.save(tmp_path / "x.npy", rng.standard_normal((1, 8, 12, 12)).astype(np.float32))
    result = convert(tmp_path / "m.onnx", out=tmp_path / "out", quantize=tmp_path / "x.npy", rules=NO_RULES)
    assert not result.ok
    assert result.first_verdict.signature.stage.value == "simulate"
    assert [culprit.nodes for culprit in result.culprits] == [("up",)]


def test_a_build_that_hangs_is_mended_where_a_rule_foresees_it(convert, tmp_path):
    """Two Convs, each of which alone would keep the compiler busy for ever; both are named at once."""
    kernels = np.random.default_rng(0).standard_normal((4, 4, 31, 31)).astype(np.float32)
    nodes = [
        node("Conv", "x w", "a", "first", kernel_shape=[31, 31], dilations=[5, 5], pads=[75] * 4),
        node("Relu", "a", "b", "relu"),
        node("Conv", "b w", "y", "second", kernel_shape=[31, 31], dilations=[5, 5], pads=[75] * 4),
    ]
    shape = [1, 4, 40, 40]
    onnx.save(
        model(nodes, [value("x", shape)], [value("y", shape)], {"w": kernels}, opset=13), tmp_path / "m.onnx"
    )
    result = convert(tmp_path / "m.onnx", out=tmp_path / "out", limits=Limits(seconds=10))
    assert result.first_verdict.outcome is Outcome.HUNG
    assert result.culprits[0].nodes == ("first", "second") and "foreseen" in result.culprits[0].how
    assert result.status is Status.MENDED, result.reason
    assert [mend.name for mend in result.mends] == ["tap-pieces", "tap-pieces"]
