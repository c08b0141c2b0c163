"""`rkmend verify`: statuses, the table and JSON."""

from __future__ import annotations

import json

import numpy as np
import onnx
import pytest
from click.testing import CliRunner
from graphs import linear, model, node, value
from onnx import numpy_helper

from rkmend.cli.verify import command
from rkmend.errors import InputError


def rkmend_verify(*arguments: object):
    return CliRunner().invoke(command, list(map(str, arguments)))


@pytest.fixture
def pair(tmp_path):
    first = linear(tmp_path / "a.onnx")
    proto = onnx.load(first)
    array = numpy_helper.to_array(proto.graph.initializer[0]) * np.float32(1.01)
    proto.graph.initializer[0].CopyFrom(numpy_helper.from_array(array, "w"))
    onnx.save(proto, tmp_path / "b.onnx")
    return first, tmp_path / "b.onnx"


def test_they_agree(pair):
    result = rkmend_verify(pair[0], pair[0])
    assert result.exit_code == 0
    assert "the models agree" in result.stdout
    assert result.stdout.count(" ok\n") == 4
    assert "tolerance for float32: cosine >= 0.99999, max rel <= 0.0001" in result.stdout


def test_they_differ(pair):
    result = rkmend_verify(*pair)
    assert result.exit_code == 1
    assert "3 of 4 comparisons differ" in result.stdout
    assert result.stdout.count("DIFFERS") == 3


def test_a_tolerance_of_ones_own(pair):
    assert rkmend_verify(*pair, "--tolerance", 0.1, "--cosine", 0.99).exit_code == 0
    assert rkmend_verify(*pair, "--tolerance", 1e-6).exit_code == 1


def test_the_reference_evaluator(pair):
    result = rkmend_verify(pair[0], pair[0], "--reference")
    assert result.exit_code == 0
    assert "reference evaluator" in result.stdout


def test_json(pair):
    result = rkmend_verify(*pair, "--format", "json", "--seed", 3)
    assert result.exit_code == 1
    found = json.loads(result.stdout)
    assert found["ok"] is False
    assert found["samples"] == ["normal", "ramp", "zeros", "ones"]
    assert {check["found"]["output"] for check in found["checks"]} == {"y"}
    assert all(check["tolerance"]["reason"] for check in found["checks"])


def test_shapes_and_samples(tmp_path):
    proto = model([node("Relu", "x", "y")], [value("x", ("N", 4))], [value("y", ("N", 4))])
    onnx.save(proto, tmp_path / "m.onnx")
    np.savez(tmp_path / "mine.npz", x=np.ones((2, 4), np.float32))
    result = rkmend_verify(tmp_path / "m.onnx", tmp_path / "m.onnx", "--input", "x=2x4", "--samples",
                           tmp_path / "mine.npz")  # fmt: skip
    assert result.exit_code == 0
    assert "user-0" in result.stdout


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--provider", "openvino"], "OpenVINOExecutionProvider is not installed"),
        (["--input", "x=0x8"], "at least 1"),
        (["--input", "z=1x8"], "no input 'z'"),
        (["--samples", "missing.npz"], "missing.npz"),
    ],
)
def test_bad_input(pair, more, says):
    result = rkmend_verify(*pair, *more)
    assert isinstance(result.exception, InputError)
    assert says in str(result.exception)
    assert result.exception.exit_code == 2


def test_two_engines_for_one_model(pair):
    result = rkmend_verify(*pair, "--reference", "--provider", "cpu")
    assert result.exit_code == 2
    assert "give one of them" in result.stderr
