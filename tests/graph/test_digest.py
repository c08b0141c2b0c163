"""Equal content, equal digest; anything else, another."""

from __future__ import annotations

import os
import time

import numpy as np
import onnx
import pytest
from graphs import linear

from rkmend.graph import digest_ir, load, save


def test_the_place_and_the_encoding_of_weights_do_not_count(tmp_path):
    inside = load(linear(tmp_path / "inside.onnx"))
    outside = load(linear(tmp_path / "outside.onnx", external="w.bin"))
    proto = onnx.load(inside.path)
    for tensor in proto.graph.initializer:
        array = onnx.numpy_helper.to_array(tensor)
        tensor.ClearField("raw_data")
        tensor.float_data.extend(array.ravel().tolist())
    onnx.save(proto, tmp_path / "encoded.onnx")
    digests = {digest_ir(item.ir) for item in (inside, outside, load(tmp_path / "encoded.onnx"))}
    save(outside.ir, tmp_path / "saved.onnx")
    digests |= {digest_ir(inside.ir.clone()), digest_ir(load(tmp_path / "saved.onnx").ir)}
    assert len(digests) == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda graph: setattr(graph[0], "name", "other"),
        lambda graph: setattr(graph[0], "op_type", "Gemm"),
        lambda graph: setattr(graph.inputs[0], "shape", None),
        lambda graph: setattr(graph.initializers["w"], "name", "v"),
    ],
)
def test_structure_counts(tmp_path, change):
    given_model = load(linear(tmp_path / "m.onnx")).ir
    before = digest_ir(given_model)
    change(given_model.graph)
    assert digest_ir(given_model) != before


def test_weights_count(tmp_path):
    digests = [digest_ir(load(linear(tmp_path / f"{seed}.onnx", seed=seed)).ir) for seed in (0, 1)]
    assert digests[0] != digests[1]


def test_a_file_that_changed_is_read_again(tmp_path):
    path = linear(tmp_path / "m.onnx", external="w.bin")
    before = digest_ir(load(path).ir)
    data = tmp_path / "w.bin"
    data.write_bytes(bytes(data.stat().st_size))
    os.utime(data, ns=(0, time.time_ns() + 10**9))  # the clock of a file system may be coarse
    assert digest_ir(load(path).ir) != before


def test_weights_are_hashed_once(tmp_path):
    whole = load(linear(tmp_path / "m.onnx", rows=1 << 20, external="w.bin")).ir  # 16 MB
    digest_ir(whole)
    started = time.monotonic()
    for _ in range(20):
        digest_ir(whole)
    assert time.monotonic() - started < 0.5  # seconds; hashing 320 MB takes more on any machine
    assert np.isfinite(whole.graph.initializers["w"].const_value.numpy()).all()
