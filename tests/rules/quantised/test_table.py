"""Tables of integers that are dequantised after the lookup."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from graphs import model, node, value
from onnx import TensorProto

from rule_bench import check_rewrite, check_trial, findings, loaded

CODE = "RKM302"
RNG = np.random.default_rng(0)


def embedding(dtype: type = np.uint8, *, scales: int = 1, moved: bool = False) -> onnx.ModelProto:
    info = np.iinfo(dtype)
    tensors = {
        "t": RNG.integers(info.min, info.max, (54, 128)).astype(dtype),
        "s": RNG.random(scales, np.float32) * np.float32(0.04),
        "z": RNG.integers(0, 9, scales).astype(dtype),
        "w": RNG.standard_normal((128, 16), np.float32),
    }
    if scales == 1:
        tensors |= {"s": tensors["s"].reshape(()), "z": tensors["z"].reshape(())}
    moves = [node("Transpose", "g", "q", "transpose", perm=[1, 0, 2])] if moved else []
    nodes = [
        node("Gather", "t x", "g" if moved else "q", "lookup"),
        *moves,
        node("DequantizeLinear", "q s z", "d", "dequantise", **({"axis": 2} if scales > 1 else {})),
        node("MatMul", "d w", "y", "product"),
    ]
    shape = [32, 1, 16] if moved else [1, 32, 16]
    return model(nodes, [value("x", [1, 32], TensorProto.INT64)], [value("y", shape)], tensors)


FAILING = {"uint8": embedding(), "moved": embedding(moved=True), "columns": embedding(np.int8, scales=128)}


@pytest.mark.parametrize("proto", FAILING.values(), ids=list(FAILING))
def test_rewrite(proto, tmp_path):
    check_rewrite(CODE, proto, tmp_path)


@pytest.mark.toolkit
@pytest.mark.parametrize("name", ["moved", "columns"])
def test_trial(name, bench, tmp_path):
    check_trial(bench, CODE, FAILING[name], tmp_path)


def test_two_readers_of_one_lookup(tmp_path):
    proto = embedding(moved=True)
    proto.graph.node.insert(2, node("DequantizeLinear", "g s z", "also", "early"))
    proto.graph.output.append(value("also", [1, 32, 128]))
    after = check_rewrite(CODE, proto, tmp_path)
    assert "t" not in after.graph.initializers


@pytest.mark.toolkit
def test_int8_with_one_scale_converts(bench, tmp_path):
    proto = embedding(np.int8)
    assert not findings(CODE, proto, tmp_path)
    assert bench.verdict(loaded(proto, tmp_path), proto).converted
