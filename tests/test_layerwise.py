"""Verification layer by layer, on the real toolkit."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from graphs import model, node, value
from models import NO_RULES

import rkmend
from rkmend import afterwards
from rkmend.records import Status
from rkmend.toolkit.trial import Limits
from rkmend.toolkit.worker import Worker

pytestmark = pytest.mark.toolkit
SHAPE = [1, 8, 16, 16]


def weights(**more: float) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    drawn = {"w": rng.standard_normal((8, 8, 3, 3)) * 0.2, "b": rng.standard_normal(8)}
    return {name: np.asarray(array, np.float32) for name, array in {**drawn, **more}.items()}


def conv(read: str, made: str, name: str) -> onnx.NodeProto:
    return node("Conv", f"{read} w b", made, name, kernel_shape=[3, 3], pads=[1] * 4)


def saved(folder: Path, nodes: list[onnx.NodeProto], **more: float) -> Path:
    proto = model(nodes, [value("x", SHAPE)], [value("y", SHAPE)], weights(**more), opset=13)
    onnx.save(proto, folder / "m.onnx")
    return folder / "m.onnx"


def overflowing(folder: Path) -> Path:
    """Squares of some 580 (the largest number in it) are beyond 65504, the largest of fp16; int8 has them."""
    nodes = [
        conv("x", "c", "conv"),
        node("Relu", "c", "r", "relu"),
        node("Mul", "r big", "m", "boost"),
        node("Mul", "m m", "sq", "square"),
        node("Mul", "sq small", "s", "scale"),
        conv("s", "y", "conv_2"),
    ]
    return saved(folder, nodes, big=100.0, small=1e-4)


@pytest.fixture
def converted(convert):
    def converted(path: Path, **wishes) -> rkmend.Conversion:
        wishes = {"layers": True, "rules": NO_RULES, **wishes}
        return convert(path, out=path.parent / "out", force=True, **wishes)

    return converted


def test_an_overflow_is_found_where_it_happens(converted, tmp_path):
    """Two layers are wrong, and only the first of them is to blame; so it is even though no file is delivered."""
    result = converted(overflowing(tmp_path))
    assert result.status is Status.REFUSED and "unverified" in result.files
    found = {check.tensor: check for check in result.layerwise.checks}
    assert found["m"].ok and found["m"].reference == "original"
    assert not found["sq"].ok and found["sq"].source and found["sq"].node == "square"
    assert not found["sq"].finite and found["sq"].single_cosine is None
    assert not found["y"].ok and not found["y"].source
    assert result.layerwise.largest_loss == "sq"
    written = json.loads(Path(result.files["report"]).read_text())
    assert [one["tensor"] for one in written["layerwise"]["checks"]] == list(found)


def test_int8_is_held_against_onnx_runtime_and_what_the_toolkit_adds_against_its_own(converted, tmp_path):
    path = overflowing(tmp_path)
    rng = np.random.default_rng(1)
    (tmp_path / "data").mkdir()
    for number in range(2):
        np.save(tmp_path / "data" / f"{number}.npy", rng.standard_normal(SHAPE).astype(np.float32))
    result = converted(path, quantize=tmp_path / "data")
    assert result.ok and result.layerwise.sample == "calibration-0"
    found = {check.tensor: check for check in result.layerwise.checks}
    assert all(check.ok for check in found.values())
    assert found["x_int8"].reference == "toolkit" and found["x_int8"].node == ""
    assert found["y_int8"].reference == "original" and found["y_int8"].node == "conv_2"
    assert (
        found["y"].reference == "original" and 0.98 < found["y"].cosine < 1
    )  # 256 steps are seen, and are not wrong
    assert "c" not in found  # computed with the Relu behind it


def test_pixels_scaled_by_the_toolkit_are_compared_with_what_the_network_gets(converted, tmp_path):
    nodes = [conv("x", "c", "conv"), node("Relu", "c", "y", "relu")]
    options = rkmend.BuildOptions(mean_values=((9.0,) * 8,), std_values=((3.0,) * 8,))
    proto = saved(tmp_path, nodes)
    result = converted(proto, options=options)
    assert result.ok
    assert {check.reference for check in result.layerwise.checks if check.node} == {"original"}
    assert all(check.ok for check in result.layerwise.checks)


def test_a_mended_model_is_held_against_the_original_where_that_has_the_tensor(convert, tmp_path):
    """Padding beyond the kernel at the bottom: the mend computes a shorter map under a new name, and then pads it."""
    rng = np.random.default_rng(0)
    stored = {"w": rng.standard_normal((128, 384, 1, 1)) / 20, "b": rng.standard_normal(128)}
    nodes = [
        node("Conv", "x w b", "c", "conv", kernel_shape=[1, 1], pads=[0, 0, 1, 0]),
        node("Relu", "c", "y", "relu"),
    ]
    proto = model(
        nodes,
        [value("x", [1, 384, 3, 1198])],
        [value("y", [1, 128, 4, 1198])],
        {name: array.astype(np.float32) for name, array in stored.items()},
        opset=12,
    )
    onnx.save(proto, tmp_path / "m.onnx")
    result = convert(tmp_path / "m.onnx", out=tmp_path / "out", layers=True)
    assert result.status is Status.MENDED
    references = {check.tensor: check.reference for check in result.layerwise.checks if check.node}
    assert references["y"] == "original" and "delivered" in references.values()
    assert all(check.ok for check in result.layerwise.checks)


def test_a_large_network_is_left_out_unless_asked(converted, tmp_path, monkeypatch):
    monkeypatch.setattr(afterwards, "CHEAP", 100)
    path = saved(tmp_path, [conv("x", "c", "conv"), node("Relu", "c", "y", "relu")])
    result = converted(path, layers=None)
    assert result.layerwise is None
    assert any("--layers does it" in note for note in result.notes)


def test_an_analysis_that_is_ended_costs_the_table_and_nothing_else(converted, tmp_path, monkeypatch):
    """Here by its time limit; an abort in native code ends the same process in the same way."""
    run = Worker.run

    def hurried(self, request, limits, stop=None):
        return run(self, request, Limits(0) if "layers" in request else limits, stop)

    monkeypatch.setattr(Worker, "run", hurried)
    path = saved(tmp_path, [conv("x", "c", "conv"), node("Relu", "c", "y", "relu")])
    result = converted(path)
    assert result.ok and Path(result.files["rknn"]).exists()
    assert "time limit" in result.layerwise.why_not_all


def test_an_analysis_that_fails_leaves_the_results_as_they_are(converted, tmp_path, monkeypatch):
    """The disk is full by then."""

    def full(self, request, limits, stop=None):
        if "layers" in request:
            raise OSError(errno.ENOSPC, "No space left on device")
        return run(self, request, limits, stop)

    run = Worker.run
    monkeypatch.setattr(Worker, "run", full)
    path = saved(tmp_path, [conv("x", "c", "conv"), node("Relu", "c", "y", "relu")])
    result = converted(path)
    assert result.ok and Path(result.files["rknn"]).exists() and result.layerwise is None
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert any("No space left on device" in note for note in report["notes"])


def test_nothing_is_compared_unless_something_converted(converted, tmp_path):
    nodes = [node("Conv", "x w b", "y", "conv", kernel_shape=[1, 1], pads=[0, 0, 1, 0])]
    rng = np.random.default_rng(0)
    stored = {"w": rng.standard_normal((128, 384, 1, 1)), "b": rng.standard_normal(128)}
    proto = model(
        nodes,
        [value("x", [1, 384, 3, 1198])],
        [value("y", [1, 128, 4, 1198])],
        {name: array.astype(np.float32) for name, array in stored.items()},
        opset=12,
    )
    onnx.save(proto, tmp_path / "m.onnx")
    result = converted(tmp_path / "m.onnx")
    assert result.status is Status.REFUSED and result.layerwise is None
