"""Operators that are told by integers where things go: OneHot, ReverseSequence."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from graphs import model, node, run, value
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto

from rkmend.mend.apply import apply
from rule_bench import check_rewrite, check_trial, findings, loaded, only_finding

INT64, FLOAT = TensorProto.INT64, TensorProto.FLOAT


def one_hot(indices: int = FLOAT, depth: type = np.int64, axis: int = 1) -> onnx.ModelProto:
    weights = {"depth": np.array(10, depth), "values": np.array([1, 3], np.float32)}
    shape = [2, 2]
    shape.insert(axis % 3, 10)
    nodes = [node("OneHot", "i depth values", "y", "one_hot", axis=axis)]
    return model(nodes, [value("i", [2, 2], indices)], [value("y", shape)], weights, opset=11)


def reversed_sequence(time: int = 0, shape=(4, 4), lengths=None) -> onnx.ModelProto:
    count = shape[1 - time]
    fed = [] if lengths is not None else [value("l", [count], INT64)]
    weights = {} if lengths is None else {"l": np.array(lengths, np.int64)}
    nodes = [node("ReverseSequence", "x l", "y", "reverse", time_axis=time, batch_axis=1 - time)]
    return model(nodes, [value("x", shape), *fed], [value("y", shape)], weights, opset=10)


CASES = {
    ("RKM270", "axis 1"): lambda: one_hot(depth=np.float32),
    ("RKM270", "last axis"): lambda: one_hot(depth=np.float32, axis=-1),
    ("RKM271", "time"): reversed_sequence,
    ("RKM271", "batch"): lambda: reversed_sequence(1),
    ("RKM271", "three axes"): lambda: reversed_sequence(0, (4, 2, 3)),
}


@pytest.mark.parametrize("case", CASES, ids=" ".join)
def test_rewrite(case, tmp_path):
    check_rewrite(case[0], CASES[case](), tmp_path)


@pytest.mark.toolkit
@pytest.mark.parametrize("case", [("RKM270", "axis 1"), ("RKM271", "time")], ids=" ".join)
def test_trial(case, bench, tmp_path):
    check_trial(bench, case[0], CASES[case](), tmp_path)


@settings(max_examples=25, deadline=None)
@given(time=st.integers(0, 1), lengths=st.lists(st.integers(0, 4), min_size=4, max_size=4))
def test_every_length_is_reversed_alike(time, lengths, tmp_path_factory):
    import onnx_ir as ir

    proto = reversed_sequence(time)
    before = loaded(proto, tmp_path_factory.mktemp("lengths"))
    after = ir.to_proto(apply(before, only_finding("RKM271", before)[1]))
    fed = {"x": np.arange(16, dtype=np.float32).reshape(4, 4), "l": np.array(lengths)}
    np.testing.assert_array_equal(run(after, fed)["y"], run(proto, fed)["y"])


def test_indices_of_int64(tmp_path):
    assert not findings("RKM270", one_hot(INT64), tmp_path)


def test_constant_lengths(tmp_path):
    assert not findings("RKM271", reversed_sequence(lengths=[4, 3, 2, 1]), tmp_path)
