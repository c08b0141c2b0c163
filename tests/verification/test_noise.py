"""The verdict on a model whose numbers differ: explained by fp16, or wrong."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from graphs import model, node, value

from rkmend.graph import digest_ir, freeze, load
from rkmend.records import Status
from rkmend.toolkit.options import BuildOptions
from rkmend.toolkit.trial import Trial
from rkmend.toolkit.verdict import Outcome
from rkmend.verification.reference import make_reference
from rule_bench import RK3588


def camera(path: Path) -> Path:
    """A network for pixels from 0 to 255: they are scaled and 8 is added, and taken off again.

    Next to 8, fp16 has steps of 2^-7, so that nothing is left of inputs around 1; of pixels, nearly all is.
    """
    weights = {"scale": np.array(1 / 255, np.float32), "eight": np.array(8, np.float32)}
    nodes = [
        node("Mul", "x scale", "a", "scaled"),
        node("Add", "a eight", "b", "shift"),
        node("Relu", "b", "c", "relu"),
        node("Sub", "c eight", "y", "back"),
    ]
    shape = [1, 3, 16, 16]
    onnx.save(model(nodes, [value("x", shape)], [value("y", shape)], weights, opset=13), path)
    return path


def flipped_convolution(path: Path) -> Path:
    """ConvTranspose with an odd output_shape: 2.3.2 pads the wrong end without a word."""
    weight = np.random.default_rng(0).standard_normal((4, 4, 3, 3)).astype(np.float32)
    up = node("ConvTranspose", "a w", "b", "up", strides=[2, 2], output_shape=[16, 16], kernel_shape=[3, 3])
    nodes = [node("Relu", "x", "a", "before"), up, node("Sigmoid", "b", "y", "after")]
    onnx.save(
        model(nodes, [value("x", [1, 4, 8, 8])], [value("y", [1, 4, 16, 16])], {"w": weight}, opset=12), path
    )
    return path


def test_noise_is_measured_once_and_changes_the_key(tmp_path):
    given = freeze(load(camera(tmp_path / "m.onnx")), {})
    plain = make_reference(given, BuildOptions(), tmp_path / "s")
    assert plain.measure is not None
    noisy = plain.measure(False)
    assert noisy.measure is None and noisy.digest != plain.digest
    assert noisy.samples[-1].name == "pixels" and all(sample.noise for sample in noisy.samples)


def test_indices_come_with_what_they_are_chosen_from(tmp_path):
    nodes = [
        node("ArgMax", "x", "i", "best", axis=1, keepdims=0),
        node("Cast", "i", "y", "cast", to=onnx.TensorProto.INT32),
        node("Greater", "x t", "z", "above"),
    ]
    outputs = [value("y", [2, 4], onnx.TensorProto.INT32), value("z", [2, 3, 4], onnx.TensorProto.BOOL)]
    path = tmp_path / "m.onnx"
    onnx.save(model(nodes, [value("x", [2, 3, 4])], outputs, {"t": np.zeros(1, np.float32)}), path)
    noisy = make_reference(freeze(load(path), {}), BuildOptions(), tmp_path / "s").measure(False)
    with np.load(noisy.samples[0].noise) as arrays, np.load(noisy.samples[0].inputs) as inputs:
        np.testing.assert_array_equal(arrays["values:y"], inputs["input0"])
        np.testing.assert_array_equal(arrays["values:z"], inputs["input0"])
        assert set(arrays.files) == {"noise:y", "values:y", "noise:z", "values:z"}


def test_what_is_computed_from_indices_has_noise_of_its_own(tmp_path):
    """The sample of ones is a tie in fp16 alone: 1 and 1 + 2^-12."""
    nodes = [
        node("Add", "x nearly", "a", "shift"),
        node("ArgMax", "a", "i", "best", axis=1, keepdims=0),
        node("Mul", "i two", "y", "twice"),
    ]
    weights = {"nearly": np.array([0, 2**-12, 0], np.float32), "two": np.array(2, np.int64)}
    path = tmp_path / "m.onnx"
    onnx.save(
        model(nodes, [value("x", [1, 3])], [value("y", [1], onnx.TensorProto.INT64)], weights, opset=13), path
    )
    noisy = make_reference(freeze(load(path), {}), BuildOptions(), tmp_path / "s").measure(False)
    (ones,) = (sample for sample in noisy.samples if sample.name == "ones")
    with np.load(ones.noise) as arrays:
        assert arrays["noise:y"].tolist() == [2.0] and "values:y" not in arrays.files


@pytest.mark.toolkit
def test_what_fp16_itself_does_is_not_called_wrong(bench, tmp_path):
    given = freeze(load(camera(tmp_path / "m.onnx")), {})
    plain = make_reference(given, BuildOptions(), tmp_path / "s")
    assert _verdict(bench, given, plain).outcome is Outcome.WRONG
    assert _verdict(bench, given, plain.measure(False)).converted


@pytest.mark.toolkit
def test_what_the_toolkit_does_wrong_stays_wrong(bench, tmp_path):
    given = freeze(load(flipped_convolution(tmp_path / "m.onnx")), {})
    reference = make_reference(given, BuildOptions(), tmp_path / "s").measure(False)
    assert _verdict(bench, given, reference).outcome is Outcome.WRONG


@pytest.mark.toolkit
def test_a_sample_of_noise_alone_proves_nothing(bench, tmp_path):
    """Of inputs around 1 nothing is left in fp16: a right model cannot be told from a wrong one."""
    given = freeze(load(camera(tmp_path / "m.onnx")), {})
    noisy = make_reference(given, BuildOptions(), tmp_path / "s").measure(False)
    normal = tuple(sample for sample in noisy.samples if sample.name == "normal")
    reference = replace(noisy, digest=f"{noisy.digest} normal", samples=normal)
    assert _verdict(bench, given, reference).outcome is Outcome.WRONG


@pytest.mark.toolkit
def test_the_report_says_so(convert, tmp_path):
    result = convert(camera(tmp_path / "m.onnx"), out=tmp_path / "out")
    (check,) = result.verification
    assert result.status is Status.CONVERTED and check.ok and check.explained_by == "fp16"


def _verdict(bench, given, reference):

    trial = Trial(
        "test", given.path, digest_ir(given.ir), RK3588, bench.toolkit, BuildOptions(), None, reference
    )
    return bench.trials.run(trial).verdict
