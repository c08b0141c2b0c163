"""What int8 rounding alone does to a model, and what the simulator does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from graphs import model, node, run, value

from rkmend.graph import digest_ir, freeze, load, save
from rkmend.records import Status
from rkmend.toolkit.calibration import load_calibration
from rkmend.toolkit.options import BuildOptions
from rkmend.toolkit.trial import Trial
from rkmend.verification.int8 import in_int8, ranges
from rkmend.verification.parts import parts
from rkmend.verification.reference import make_reference
from rkmend.verification.runner import run_model
from rkmend.verification.samples import Sample
from rule_bench import RK3588, loaded

SHAPE = [1, 8, 12, 12]
CONV = {
    "w": np.random.default_rng(0).standard_normal((8, 8, 3, 3)).astype(np.float32),
    "b": np.ones(8, np.float32),
}
INT8 = BuildOptions(quantize=True)


def network(*nodes: onnx.NodeProto, weights=None) -> onnx.ModelProto:
    return model(list(nodes), [value("x", SHAPE)], [value("y", None)], weights, opset=13)


def dataset(folder, *arrays):
    folder.mkdir()
    for number, array in enumerate(arrays):
        np.savez(folder / f"{number}.npz", x=array.astype(np.float32))
    return folder


def normal(size: float = 1.0, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(SHAPE) * size


LEAKY = network(node("LeakyRelu", "x", "y", "n", alpha=0.5))


def test_a_range_holds_all_samples_and_zero(tmp_path):
    given = loaded(LEAKY, tmp_path)
    samples = []
    for name, low, high in (("a", 5, 6), ("b", 7, 9)):
        path = tmp_path / f"{name}.npz"
        np.savez(path, input0=np.linspace(low, high, 1152).reshape(SHAPE).astype(np.float32))
        samples.append(Sample(name, path))
    assert ranges(given, samples, tmp_path / "ranges") == {"x": (0.0, 9.0), "y": (0.0, 9.0)}


def test_tensors_are_put_on_256_steps(tmp_path):
    measured = {"x": (-1.0, 1.55), "y": (-0.5, 1.55)}
    x = np.linspace(-2, 2, 1152, dtype=np.float32).reshape(SHAPE)
    got = run(ir.to_proto(in_int8(loaded(LEAKY, tmp_path), measured=measured)), {"x": x})["y"]
    x = np.clip(np.round(x / 0.01), -100, 155) * 0.01
    y = np.where(x < 0, 0.5 * x, x)
    step = 2.05 / 255
    np.testing.assert_allclose(got, np.round(y / step) * step, atol=1.01 * step)  # a tie may fall either way
    assert len(np.unique(got)) <= 256 and got.min() >= -0.51 and got.max() <= 1.56


@pytest.mark.parametrize("seed", [1, 2])
def test_chance_goes_to_one_of_two_neighbours(tmp_path, seed):
    measured = {"x": (0.0, 255.0), "y": (0.0, 255.0)}
    x = np.linspace(0, 255, 1152, dtype=np.float32).reshape(SHAPE)
    got = run(ir.to_proto(in_int8(loaded(LEAKY, tmp_path), seed, measured=measured)), {"x": x})["y"]
    assert np.abs(got - x).max() < 1.001 and np.array_equal(got, np.round(got))
    assert np.abs(got - np.round(x)).max() > 0.5


def test_what_is_within_a_layer_is_not_rounded(tmp_path):
    swish = [node("Conv", "x w b", "a", "c"), node("Sigmoid", "a", "s", "s"), node("Mul", "a s", "y", "m")]
    given = loaded(network(*swish, weights=CONV), tmp_path)
    rounded = in_int8(given, measured=dict.fromkeys("xasy", (-1.0, 1.0)))
    kinds = [one.op_type for one in rounded.graph]
    assert kinds.count("Floor") == 2  # of x and y


def test_the_parts_of_an_output(tmp_path):
    nodes = [
        node("Relu", "x", "a", "r"),
        node("Concat", "x a", "b", "c", axis=1),
        node("Transpose", "b", "t", "t", perm=[0, 2, 3, 1]),
        node("Sigmoid", "t", "y", "s"),
    ]
    (labels,) = parts(loaded(network(*nodes), tmp_path)).values()
    assert labels.shape == (1, 12, 12, 16)
    assert (labels[..., :8] == 0).all() and (labels[..., 8:] == 1).all()
    assert parts(loaded(LEAKY, tmp_path)) == {}


def trial(bench, proto, folder, *arrays, emulated=False):
    """The verdict on an int8 build, held against the model or what its emulation makes of it."""
    path = folder / "m.onnx"
    onnx.save(proto, path)
    given = freeze(load(path), {})
    calibration, raw = load_calibration(dataset(folder / "data", *arrays), given.inputs, folder)
    reference = make_reference(given, INT8, folder / "samples", calibration=raw)
    if emulated:
        fed = [Sample(one.name, one.inputs) for one in reference.samples]
        save(in_int8(given.ir, measured=ranges(given.ir, fed, folder / "ranges")), folder / "rounded.onnx")
        outputs = run_model(folder / "rounded.onnx", fed, folder / "rounded").outputs
        samples = [replace(one, outputs=out) for one, out in zip(reference.samples, outputs, strict=True)]
        reference = replace(reference, digest=f"{reference.digest} emulated", samples=tuple(samples))
    else:
        reference = reference.measure(True)
    one = Trial("test", path, digest_ir(given.ir), RK3588, bench.toolkit, INT8, calibration, reference)
    return bench.trials.run(one).verdict


@pytest.mark.toolkit
@pytest.mark.parametrize(
    "nodes",
    [
        [node("LeakyRelu", "x", "y", "n", alpha=0.5)],
        [node("Exp", "x", "y", "n")],
        [node("Conv", "x w b", "y", "n", pads=[1, 1, 1, 1])],
        [node("Conv", "x w b", "a", "n"), node("Relu", "a", "y", "r")],
        [node("Conv", "x w b", "a", "n"), node("Sigmoid", "a", "s", "s"), node("Mul", "a s", "y", "m")],
        [node("Tanh", "x", "t", "t"), node("Add", "t x", "y", "a")],
    ],
    ids=["leaky", "exp", "conv", "conv-relu", "conv-swish", "tanh-add"],
)
def test_the_simulator_gives_what_the_emulation_gives(bench, tmp_path, nodes):
    verdict = trial(bench, network(*nodes, weights=CONV), tmp_path, normal(), normal(seed=1), emulated=True)
    for found in verdict.agreement:
        # Where a number lies on the border of two steps, float32 may fall on either side; 1 % is less than 1 in 100.
        assert found.max_abs <= 1.01 * 2 * found.reference_max / 255 and found.cosine > 1 - 1e-5


def boxes_and_scores(*, joined: bool) -> onnx.ModelProto:
    """A detector's head: boxes of 0 to 640 and scores of 0 to 1."""
    nodes = [
        node("Sigmoid", "x", "s", "scores"),
        node("Abs", "x", "a", "abs"),
        node("Mul", "a k", "b", "boxes"),
    ]
    weights = {"k": np.array(640, np.float32)}
    if joined:
        nodes.append(node("Concat", "b s", "y", "join", axis=1))
    outputs = ["y"] if joined else ["b", "s"]
    return model(nodes, [value("x", SHAPE)], [value(name, None) for name in outputs], weights, opset=13)


@pytest.mark.toolkit
def test_scores_that_are_lost_among_boxes_are_not_excused(bench, tmp_path):
    verdict = trial(bench, boxes_and_scores(joined=True), tmp_path, normal(), normal(seed=1))
    assert not verdict.converted and "nothing is left of a part" in verdict.message
    assert min(found.cosine for found in verdict.agreement) > 0.999  # the whole looks right
    assert max(found.noise.ratio for found in verdict.agreement) < 2  # and is what int8 makes of it


@pytest.mark.toolkit
def test_boxes_and_scores_of_their_own_are_right(bench, tmp_path):
    assert trial(bench, boxes_and_scores(joined=False), tmp_path, normal(), normal(seed=1)).converted


@pytest.mark.toolkit
def test_the_report_says_that_a_difference_is_of_int8_itself(convert, tmp_path):
    """The first sample is far below a step of the range of the second, which tells that the model is right."""
    onnx.save(network(node("LeakyRelu", "x", "y", "n", alpha=0.5)), tmp_path / "m.onnx")
    data = dataset(tmp_path / "data", normal(0.3), normal(30))
    result = convert(tmp_path / "m.onnx", out=tmp_path / "out", quantize=data)
    (check,) = result.verification
    assert result.status is Status.CONVERTED and check.ok and check.explained_by == "int8"


@pytest.mark.toolkit
def test_where_all_is_noise_nothing_is_called_right(bench, tmp_path):
    proto = network(
        node("Mul", "x k", "a", "big"),
        node("Sin", "a", "y", "sin"),
        weights={"k": np.array(200, np.float32)},
    )
    verdict = trial(bench, proto, tmp_path, normal(), normal(seed=1))
    assert not verdict.converted and "no sample tells right from wrong" in verdict.message
