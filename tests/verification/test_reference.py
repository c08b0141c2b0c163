"""The reference: the original model's own numbers, whatever is done to the inputs on the way to the NPU."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from graphs import model, node, value

from one_operator import one
from rkmend.errors import InputError
from rkmend.graph import load
from rkmend.npz import read_npz, write_npz
from rkmend.toolkit.options import BuildOptions
from rkmend.toolkit.tolerance import FP16
from rkmend.toolkit.verdict import Outcome
from rkmend.verification.reference import make_reference
from rule_bench import loaded

SCALED = BuildOptions(mean_values=((1.0, 2.0, 3.0),), std_values=((2.0, 4.0, 8.0),))


@pytest.fixture
def given(tmp_path):
    made = model([node("Neg", "x", "y", "neg")], [value("x", [1, 3, 4, 4])], [value("y", [1, 3, 4, 4])])
    onnx.save(made, tmp_path / "m.onnx")
    return load(tmp_path / "m.onnx")


@pytest.mark.toolkit
def test_a_ramp_alone_shows_that_windows_lie_elsewhere(bench, tmp_path):
    """A MaxPool with windows larger than its map: the toolkit makes them as large as the map, and moves them."""
    windows = {"kernel_shape": [11, 11], "pads": [5, 2, 5, 2], "strides": [2, 2], "ceil_mode": 1}
    pool = one("MaxPool", [1, 1, 9, 9], **windows)
    verdict = bench.verdict(loaded(pool, tmp_path), pool)
    assert verdict.outcome is Outcome.WRONG
    assert {found.sample for found in verdict.agreement if not FP16.holds(found)} == {"ramp"}


def test_every_sample_has_what_the_model_makes_of_it(given, tmp_path):
    reference = make_reference(given, BuildOptions(), tmp_path / "s")
    assert [sample.name for sample in reference.samples] == ["normal", "ramp", "zeros", "ones"]
    assert reference.output_names == ("y",)
    for sample in reference.samples:
        assert (read_npz(sample.outputs, "output0") == -read_npz(sample.inputs, "input0")).all()


def test_the_simulator_gets_the_inputs_from_before_mean_and_std(given, tmp_path):
    reference = make_reference(given, SCALED, tmp_path / "s")
    for sample in reference.samples:
        raw, out = read_npz(sample.inputs, "input0"), read_npz(sample.outputs, "output0")
        mean, std = np.reshape([1, 2, 3], (1, 3, 1, 1)), np.reshape([2, 4, 8], (1, 3, 1, 1))
        # one float32 rounding of x * std + mean: 2^-24 of values up to about 40
        np.testing.assert_allclose((raw - mean) / std, -out, atol=5e-6)


def test_calibration_samples_are_what_the_camera_gives(given, tmp_path):
    raw = tmp_path / "calibration-0.npz"
    write_npz(raw, [("input0", np.full((1, 3, 4, 4), 9, np.float32))])
    reference = make_reference(given, SCALED, tmp_path / "s", calibration=[raw])
    (sample,) = reference.samples
    assert sample.inputs == raw and sample.name == "calibration-0"
    assert read_npz(sample.outputs, "output0")[0, :, 0, 0].tolist() == [-4.0, -1.75, -0.75]


def test_the_digest_follows_model_seed_and_files(given, tmp_path):
    user = tmp_path / "user.npz"
    np.savez(user, x=np.zeros((1, 3, 4, 4), np.float32))
    digests = {
        make_reference(given, BuildOptions(), tmp_path / str(number), seed=seed, user=path).digest
        for number, (seed, path) in enumerate([(0, None), (0, None), (1, None), (0, user)])
    }
    assert len(digests) == 3


def test_the_digest_tells_which_samples_there_are(given, tmp_path, monkeypatch):
    whole = make_reference(given, BuildOptions(), tmp_path / "whole")
    monkeypatch.setattr("rkmend.verification.samples.MANY_BYTES", 0)
    fewer = make_reference(given, BuildOptions(), tmp_path / "fewer")
    assert len(fewer.samples) < len(whole.samples) and fewer.digest != whole.digest


def test_means_for_another_number_of_channels(given, tmp_path):
    with pytest.raises(InputError, match=r"mean values for \[2\] channels, but the inputs have \[3\]"):
        make_reference(given, BuildOptions(mean_values=((1.0, 2.0),)), tmp_path / "s")


def test_an_output_that_is_an_input_keeps_its_numbers(tmp_path):
    proto = model(
        [node("Relu", "x", "y")], [value("x", [2, 300])], [value("y", [2, 300]), value("x", [2, 300])]
    )
    onnx.save(proto, tmp_path / "model.onnx")
    made = make_reference(load(tmp_path / "model.onnx"), BuildOptions(), tmp_path / "samples")
    for sample in made.samples:
        assert np.array_equal(read_npz(sample.outputs, "output1"), read_npz(sample.inputs, "input0"))


def test_samples_of_which_the_model_itself_makes_nan_are_left_out(tmp_path):
    path = tmp_path / "root.onnx"
    logarithm = [node("Sub", "x half", "s", "s"), node("Log", "s", "y", "log")]
    positive = [node("Exp", "x", "e", "e"), node("Sub", "e one", "s", "s"), node("Div", "s s", "y", "d")]
    for nodes, left in ((positive, {"normal", "ramp", "ones"}), (logarithm, {"ones"})):
        weights = {"half": np.array(0.5, np.float32), "one": np.array(1.0, np.float32)}
        used = {name for one in nodes for name in one.input}
        weights = {name: array for name, array in weights.items() if name in used}
        onnx.save(model(nodes, [value("x", [1, 8])], [value("y", [1, 8])], weights), path)
        reference = make_reference(load(path), BuildOptions(), tmp_path / nodes[0].name)
        assert {sample.name for sample in reference.samples} == left


def test_limits_of_which_random_ones_leave_nothing(tmp_path):
    """The mean of the numbers between two limits: without any, 0 / 0."""
    numbers = np.linspace(40, 2000, 16, dtype=np.float32)
    nodes = [
        node("GreaterOrEqual", "numbers low", "above", "above"),
        node("LessOrEqual", "numbers high", "below", "below"),
        node("And", "above below", "inside", "inside"),
        node("Cast", "inside", "mask", "mask", to=onnx.TensorProto.FLOAT),
        node("Mul", "x mask", "kept", "kept"),
        node("ReduceSum", "kept", "sum", "sum"),
        node("ReduceSum", "mask", "count", "count"),
        node("Div", "sum count", "y", "mean"),
    ]
    inputs = [value("x", [1, 16]), value("low", [1]), value("high", [1])]
    path = tmp_path / "limits.onnx"
    onnx.save(model(nodes, inputs, [value("y", [1, 1])], {"numbers": numbers}), path)
    reference = make_reference(load(path), BuildOptions(), tmp_path / "samples")
    assert {sample.name for sample in reference.samples} >= {"normal-within-limits", "zeros-within-limits"}
    for sample in reference.samples:
        low, high = (read_npz(sample.inputs, f"input{place}").item() for place in (1, 2))
        assert 40 <= low < high <= 2000
        assert np.isfinite(read_npz(sample.outputs, "output0")).all()
