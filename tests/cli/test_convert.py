"""`rkmend convert` as a user meets it: what is wrong, where, what to do; exit statuses; nothing lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from graphs import model, node, relu, value
from limits import full_disk
from models import conv, two_culprits, x_xt_in_a_chain

import rkmend
from one_operator import one
from rkmend.delivery import deliver, results_folder
from rkmend.errors import InputError
from rkmend.records import Status


def rkmend_convert(model: Path, *more: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "rkmend", "convert", str(model), "--no-explain", *more]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment})


@pytest.fixture
def good(tmp_path) -> Path:
    return conv(tmp_path / "model.onnx")


def refused(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """Exit status 2, a message and a help, no traceback, nothing written."""
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr


def test_an_unknown_target_names_the_nearest_and_all(good):
    refused(rkmend_convert(good, "--target", "rk3558"), "did you mean 'rk3588'?", "rv1106")


def test_no_target_is_a_usage_error(good):
    refused(rkmend_convert(good), "--target")


def test_a_file_that_is_no_model(tmp_path):
    path = tmp_path / "model.onnx"
    path.write_text("hello")
    refused(rkmend_convert(path, "--target", "rk3588"), "not an ONNX", str(path))
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_file(tmp_path, good):
    refused(rkmend_convert(tmp_path / "modle.onnx", "--target", "rk3588"), "modle.onnx", "model.onnx")


def test_dynamic_inputs_are_listed_with_a_command_line(tmp_path):
    onnx.save(relu(["batch", 3, "height", 8]), tmp_path / "m.onnx")
    refused(rkmend_convert(tmp_path / "m.onnx", "--target", "rk3588"), "x", "--input x=1x3x", "guess")


@pytest.mark.parametrize("shape", ["x=1x0x4", "x=1x-1", "x", "x=axb", "other=1x4"])
def test_shapes_that_make_no_sense(tmp_path, shape):
    onnx.save(relu(["batch", 4]), tmp_path / "m.onnx")
    refused(rkmend_convert(tmp_path / "m.onnx", "--target", "rk3588", "--input", shape), "help:")


def test_two_shapes_for_one_input(tmp_path):
    onnx.save(relu(["batch", 4]), tmp_path / "m.onnx")
    twice = ("--input", "x=1x4", "--input", "x=2x4")
    refused(rkmend_convert(tmp_path / "m.onnx", "--target", "rk3588", *twice), "'x' is given two shapes")


def test_a_target_without_fp16_wants_calibration_data(good):
    refused(rkmend_convert(good, "--target", "rv1106"), "no fp16", "--quantize")


def test_results_are_never_overwritten_unasked(tmp_path, good):
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine.txt").write_text("precious")
    refused(rkmend_convert(good, "--target", "rk3588", "--out", str(out)), "not empty", "--force")
    assert [path.name for path in out.iterdir()] == ["mine.txt"]


def test_an_output_folder_that_cannot_be_written(tmp_path, good):
    (tmp_path / "file").write_text("")
    refused(
        rkmend_convert(good, "--target", "rk3588", "--out", str(tmp_path / "file" / "out")),
        "cannot write",
        "--out",
    )


def test_an_unknown_toolkit_version(good, tmp_path):
    done = rkmend_convert(good, "--target", "rk3588", "--toolkit", "1.0.0", "--out", str(tmp_path / "o"))
    refused(done, "2.3.2")
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize(
    "option", [("--mean", "1,2"), ("--std", "a"), ("--op-target", "Conv"), ("--samples", "no.npz")]
)
def test_options_that_do_not_fit(good, option, tmp_path):
    refused(
        rkmend_convert(good, "--target", "rk3588", "--out", str(tmp_path / "o"), *option),
        option[0].lstrip("-"),
    )


def test_an_environment_that_cannot_be_made_is_status_3(good, tmp_path):
    """No Python that the toolkit has wheels for, and an empty cache."""
    done = rkmend_convert(
        good,
        *("--target", "rk3588", "--out", str(tmp_path / "o")),
        RKMEND_CACHE=str(tmp_path / "c"),
        RKMEND_TOOLKIT_PYTHON="/bin/false",
    )
    assert done.returncode == 3, done.stderr
    assert "Traceback" not in done.stderr and "no toolkit" in done.stdout
    assert json.loads((tmp_path / "o" / "report.json").read_text())["status"] == "environment"


@pytest.mark.toolkit
def test_a_model_that_converts_is_left_alone(toolkit, good, tmp_path):
    done = rkmend_convert(good, "--target", "rk3588", "--out", str(tmp_path / "out"), "--no-cache")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("converted: ") and "agrees" in done.stdout
    assert not list((tmp_path / "out").glob("*.mended.onnx"))


@pytest.mark.toolkit
def test_a_model_without_a_mend_is_status_1_with_the_reason(toolkit, tmp_path):
    proto = x_xt_in_a_chain()
    proto.opset_import[0].version = 21
    onnx.save(proto, tmp_path / "m.onnx")
    without = ("--ignore", "ALL", "--no-explain")
    done = rkmend_convert(tmp_path / "m.onnx", "--target", "rk3588", "--out", str(tmp_path / "out"), *without)
    assert done.returncode == 1
    told = " ".join(done.stdout.split())
    assert "opset 21" in told and "No rule has a mend for it" in told
    assert not list((tmp_path / "out").glob("*.rknn"))


@pytest.mark.toolkit
def test_several_culprits_are_mended_one_after_the_other(toolkit, tmp_path):
    result = rkmend.convert(two_culprits(tmp_path / "m.onnx"), target="rk3588", out=tmp_path / "out")
    assert result.status is Status.MENDED, result.reason
    assert {node for mend in result.mends for node in mend.nodes} == {"first", "second"}
    assert result.mends[-1].cycles_after and all(check.ok for check in result.verification)


@pytest.mark.toolkit
def test_what_a_mend_puts_in_is_mended_in_turn(convert, tmp_path):
    """Without `ceil_mode` it is a mean of one window that the toolkit takes for that of the whole map."""
    window = {"kernel_shape": [3, 3], "pads": [2, 0, 0, 2], "strides": [10, 10], "ceil_mode": 1}
    onnx.save(one("AveragePool", [1, 16, 3, 3], **window), tmp_path / "m.onnx")
    result = convert(tmp_path / "m.onnx", out=tmp_path / "out")
    assert result.status is Status.MENDED, result.reason
    assert [mend.code for mend in result.mends] == ["RKM108", "RKM124"]


@pytest.mark.toolkit
@pytest.mark.parametrize("target", ["rk3588", "rv1106"])
def test_an_int8_model_is_verified_on_its_calibration_data(convert, good, tmp_path, target):
    data = tmp_path / "data"
    data.mkdir()
    for number in range(4):
        array = np.random.default_rng(number).standard_normal((1, 16, 32, 32)).astype(np.float32)
        np.save(data / f"{number}.npy", array)
    result = convert(good, target=target, quantize=data, out=tmp_path / "out")
    assert result.status is Status.CONVERTED, result.reason
    assert result.options.quantize and result.verdict.layers[1].dtype == "INT8"
    assert {sample.sample for sample in result.verification[0].samples} == {
        "calibration-0",
        "calibration-1",
        "calibration-2",
    }


@pytest.mark.toolkit
def test_mean_and_std_go_to_the_npu_and_the_numbers_still_agree(convert, tmp_path):
    nodes = [node("Conv", "image w", "y", "conv", kernel_shape=[3, 3], pads=[1] * 4)]
    weights = {"w": np.random.default_rng(0).standard_normal((8, 3, 3, 3)).astype(np.float32)}
    onnx.save(
        model(nodes, [value("image", [1, 3, 16, 16])], [value("y", [1, 8, 16, 16])], weights),
        tmp_path / "m.onnx",
    )
    options = rkmend.BuildOptions(mean_values=((123.0, 116.0, 103.0),), std_values=((58.0, 57.0, 57.5),))
    result = convert(tmp_path / "m.onnx", options=options, out=tmp_path / "out")
    assert result.status is Status.CONVERTED, result.reason


@pytest.mark.toolkit
def test_a_full_disk_leaves_nothing_half_written(convert, good, tmp_path):
    """No file may grow beyond 600 bytes while the results are written."""
    first = convert(good, out=tmp_path / "first")
    out = tmp_path / "out"
    with full_disk(600), pytest.raises(InputError, match="cannot write"), results_folder(out, force=False):
        deliver(out, "model", first, None, [], 0.0)
    assert not out.exists()
