"""Writing models: whole or not at all, and candidates in milliseconds."""

from __future__ import annotations

import functools
import sys
import time

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from graphs import linear, model, node, run, value
from limits import full_disk

from rkmend.errors import InputError
from rkmend.graph import digest_ir, export, extract, infer, load, save

LARGE = (5 << 20, 4)
"""80 MB of float32: more than candidates carry inside."""


@functools.cache
def weight(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(LARGE, np.float32)


def large(seed: int = 0) -> ir.Model:
    nodes = [
        node("Gather", "w x", "g", "gather"),
        node("Add", "g b", "a", "add"),
        node("Relu", "a", "y", "relu"),
    ]
    inputs, outputs = [value("x", (2,), onnx.TensorProto.INT64)], [value("y", (2, 4))]
    loaded = ir.from_proto(model(nodes, inputs, outputs, {"w": weight(seed), "b": np.ones(4, np.float32)}))
    infer(loaded)
    return loaded


def computed(path) -> np.ndarray:
    return run(onnx.load(path), {"x": np.array([5, LARGE[0] - 1])})["y"]


def test_a_small_model_is_one_file(tmp_path):
    given_model = load(linear(tmp_path / "m.onnx", external="w.bin")).ir
    for writer in (save, export):
        folder = tmp_path / writer.__name__
        folder.mkdir()
        writer(given_model, folder / "m.onnx")
        assert [item.name for item in folder.iterdir()] == ["m.onnx"]
        x = {"x": np.ones((1, 8), np.float32)}
        assert np.array_equal(
            run(onnx.load(folder / "m.onnx"), x)["y"], run(onnx.load(tmp_path / "m.onnx"), x)["y"]
        )


def test_candidates_share_their_weights(tmp_path):
    whole = large()
    save(whole, tmp_path / "0.onnx")
    assert (tmp_path / "0.onnx").stat().st_size < 10_000
    size = (tmp_path / "weights.bin").stat().st_size
    candidates = [extract(whole, ["gather"]), extract(whole, ["gather", "add"]), whole.clone()]
    started = time.monotonic()
    for number, candidate in enumerate(candidates, 1):
        save(candidate, tmp_path / f"{number}.onnx")
    assert time.monotonic() - started < 1  # seconds for three; writing 80 MB thrice to the disk takes longer
    assert (tmp_path / "weights.bin").stat().st_size == size
    assert np.array_equal(computed(tmp_path / "3.onnx"), computed(tmp_path / "0.onnx"))
    expected = whole.graph.initializers["w"].const_value.numpy()[[5, -1]] + 1
    assert np.array_equal(computed(tmp_path / "0.onnx"), np.maximum(expected, 0))


def test_new_weights_are_added_to_the_shared_file(tmp_path):
    save(large(0), tmp_path / "0.onnx")
    first = computed(tmp_path / "0.onnx")
    save(large(1), tmp_path / "1.onnx")
    assert np.array_equal(computed(tmp_path / "0.onnx"), first)
    assert not np.array_equal(computed(tmp_path / "1.onnx"), first)


def test_a_model_read_from_the_folder_is_saved_to_it_again(tmp_path):
    save(large(), tmp_path / "0.onnx")
    size = (tmp_path / "weights.bin").stat().st_size
    save(load(tmp_path / "0.onnx").ir, tmp_path / "1.onnx")
    assert (tmp_path / "weights.bin").stat().st_size == size
    assert np.array_equal(computed(tmp_path / "1.onnx"), computed(tmp_path / "0.onnx"))


def test_weights_of_the_user_are_copied_to_the_folder_once(tmp_path):
    """A model may not refer to a file outside its folder, so the first candidate brings them along."""
    (tmp_path / "user").mkdir()
    (tmp_path / "scratch").mkdir()
    proto = ir.to_proto(large())
    onnx.save(proto, tmp_path / "user" / "m.onnx", save_as_external_data=True, location="w.bin")
    given_model = load(tmp_path / "user" / "m.onnx").ir
    for number in range(3):
        save(given_model.clone(), tmp_path / "scratch" / f"{number}.onnx")
    assert (tmp_path / "scratch" / "weights.bin").stat().st_size < 1.1 * weight(0).nbytes
    assert np.array_equal(computed(tmp_path / "scratch" / "2.onnx"), computed(tmp_path / "user" / "m.onnx"))


def test_a_folder_that_was_emptied_gets_the_weights_again(tmp_path):
    whole = large()
    save(whole, tmp_path / "0.onnx")
    for item in tmp_path.iterdir():
        item.unlink()
    save(whole, tmp_path / "0.onnx")
    computed(tmp_path / "0.onnx")


def test_the_model_is_left_as_it_is(tmp_path):
    whole = large()
    before = whole.graph.initializers["w"].const_value
    save(whole, tmp_path / "0.onnx")
    assert whole.graph.initializers["w"].const_value is before


def test_a_full_disk_leaves_no_model(tmp_path):
    whole, small = large(), load(linear(tmp_path / "m.onnx")).ir
    save(extract(whole, ["gather"]), tmp_path / "good.onnx")
    with full_disk(10 << 20), pytest.raises(InputError, match="cannot write") as error:
        save(large(1), tmp_path / "bad.onnx")
    assert str(tmp_path) in str(error.value)
    with full_disk(200), pytest.raises(InputError, match=r"bad\.onnx"):
        save(small, tmp_path / "bad.onnx")
    assert sorted(item.name for item in tmp_path.iterdir()) == ["good.onnx", "m.onnx", "weights.bin"]
    save(whole, tmp_path / "later.onnx")
    computed(tmp_path / "later.onnx")


def test_beyond_a_gigabyte_the_delivered_model_has_a_file_for_its_weights(tmp_path, monkeypatch):
    monkeypatch.setattr(
        sys.modules[save.__module__], "EXTERNAL_FROM", 1 << 20
    )  # the limit itself would need a gigabyte
    whole = large()
    (tmp_path / "out").mkdir()
    path = tmp_path / "out" / "net.mended.onnx"
    export(whole, path)
    assert sorted(item.name for item in path.parent.iterdir()) == ["net.mended.onnx", "net.mended.onnx.data"]
    assert digest_ir(load(path).ir) == digest_ir(whole)
    before = {item.name: item.read_bytes() for item in path.parent.iterdir()}
    with full_disk(10 << 20), pytest.raises(InputError, match=r"net\.mended\.onnx\.data"):
        export(large(1), path)
    assert {item.name: item.read_bytes() for item in path.parent.iterdir()} == before
