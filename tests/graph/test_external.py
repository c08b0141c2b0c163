"""Weights in external files: used when they plainly lie beside the model, refused with advice otherwise."""

from __future__ import annotations

import hashlib
import os

import numpy as np
import onnx
import pytest
from graphs import linear, model, node, value
from limits import no_room_for_more_than
from onnx import TensorProto

from rkmend.errors import InputError
from rkmend.graph import extract, freeze, load
from rkmend.verification.runner import run_model
from rkmend.verification.samples import make_samples


@pytest.fixture
def path(tmp_path):
    (tmp_path / "model").mkdir()
    return linear(tmp_path / "model" / "m.onnx", external="w.bin")


def refused(path) -> str:
    with pytest.raises(InputError) as caught:
        load(path)
    assert caught.value.hint
    return str(caught.value)


def relocate(path, location: str, **entries: int) -> None:
    """Rewrites what the first tensor says about its place."""
    proto = onnx.load(path, load_external_data=False)
    tensor = proto.graph.initializer[0]
    del tensor.external_data[:]
    for key, text in {"location": location, **entries}.items():
        tensor.external_data.add(key=key, value=str(text))
    path.write_bytes(proto.SerializeToString())


def test_the_weights_are_read_and_hashed(path):
    loaded = load(path)
    whole = path.read_bytes() + path.with_name("w.bin").read_bytes()
    assert loaded.sha256 == hashlib.sha256(whole).hexdigest()
    expected = onnx.numpy_helper.to_array(onnx.load(path).graph.initializer[0])
    assert np.array_equal(loaded.ir.graph.initializers["w"].const_value.numpy(), expected)


def test_from_inside_the_folder(path, monkeypatch):
    monkeypatch.chdir(path.parent)
    load(type(path)("m.onnx")).ir.graph.initializers["w"].const_value.numpy()


def test_in_a_folder_below(path):
    (path.parent / "data").mkdir()
    path.with_name("w.bin").rename(path.parent / "data" / "w.bin")
    proto = onnx.load(path, load_external_data=False)
    for tensor in proto.graph.initializer:
        next(entry for entry in tensor.external_data if entry.key == "location").value = "data/w.bin"
    path.write_bytes(proto.SerializeToString())
    load(path)


def test_missing(path):
    path.with_name("w.bin").unlink()
    text = refused(path)
    assert "is missing" in text
    assert "'w'" in text
    assert "w.bin" in text


@pytest.mark.parametrize("location", ["../secret.bin", "sub/../../secret.bin", "{absolute}", "\0", ""])
def test_outside_the_folder(path, location):
    outside = path.parent.parent / "secret.bin"
    path.with_name("w.bin").rename(outside)
    (path.parent / "sub").mkdir()
    relocate(path, location.format(absolute=outside))
    assert "outside the model's folder" in refused(path) or location in ("\0", "")


@pytest.mark.parametrize("target", ["../secret.bin", "real.bin"])
def test_links(path, target):
    path.with_name("w.bin").rename(path.parent / target)
    path.with_name("w.bin").symlink_to(target)
    assert "is a link" in refused(path)


def test_a_linked_folder_that_leads_outside(path):
    (path.parent.parent / "elsewhere").mkdir()
    path.with_name("w.bin").rename(path.parent.parent / "elsewhere" / "w.bin")
    (path.parent / "data").symlink_to("../elsewhere")
    relocate(path, "data/w.bin")
    assert "outside the model's folder" in refused(path)


def test_hard_links(path):
    os.link(path.with_name("w.bin"), path.parent.parent / "other.bin")
    assert "hard links" in refused(path)


def test_a_folder_in_the_place_of_the_file(path):
    path.with_name("w.bin").unlink()
    path.with_name("w.bin").mkdir()
    assert "is not a file" in refused(path)


def test_too_short(path):
    os.truncate(path.with_name("w.bin"), 100)
    text = refused(path)
    assert "too short" in text
    assert "the file has 100" in text


@pytest.mark.parametrize("entries", [{"offset": -4}, {"offset": "four"}, {"length": 3}, {"length": 10**9}])
def test_entries_that_make_no_sense(path, entries):
    relocate(path, "w.bin", **entries)
    assert "makes no sense" in refused(path)


def table(path, rows: int):
    """Gathers from a table of rows x 512 float32 in an external file that is one hole."""
    nodes = [node("Gather", "table x", "y", "gather")]
    inputs, outputs = [value("x", (3,), TensorProto.INT64)], [value("y", (3, 512))]
    proto = model(nodes, inputs, outputs)
    tensor = proto.graph.initializer.add(
        name="table", data_type=TensorProto.FLOAT, dims=[rows, 512], data_location=TensorProto.EXTERNAL
    )
    tensor.external_data.add(key="location", value="table.bin")
    path.write_bytes(proto.SerializeToString())
    with path.with_name("table.bin").open("wb") as file:
        file.truncate(rows * 512 * 4)
        file.seek(512 * 4)
        file.write(np.arange(512, dtype=np.float32).tobytes())
    return path


def test_more_than_two_gigabytes(tmp_path):
    path = table(tmp_path / "m.onnx", rows=1_060_000)
    assert path.with_name("table.bin").stat().st_size > 2**31
    with no_room_for_more_than(200):
        frozen = freeze(load(path), {})
        extract(frozen.ir, ["gather"])
    samples = make_samples(frozen.inputs, tmp_path)
    ones = run_model(path, samples, tmp_path / "out").outputs[-1]
    with np.load(ones) as arrays:
        assert np.array_equal(arrays["output0"], np.broadcast_to(np.arange(512, dtype=np.float32), (3, 512)))
