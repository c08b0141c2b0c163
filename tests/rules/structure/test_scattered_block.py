"""Blocks that ScatterND writes."""

from __future__ import annotations

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from graphs import model, node, run, value
from hypothesis import given, settings
from hypothesis import strategies as st

from rkmend.graph import infer
from rkmend.mend.apply import apply
from rkmend.rules import get_rule
from rule_bench import RK3588, check_rewrite

RULE = get_rule("RKM264")
INT8 = RK3588.computing_in("int8")


def grid(*ranges: range) -> np.ndarray:
    """Indices of a block, as PyTorch exports them."""
    return np.stack(np.meshgrid(*ranges, indexing="ij"), axis=-1).astype(np.int64)


def scatter(
    shape: list[int], indices: np.ndarray, *more: onnx.NodeProto, **attributes: str
) -> onnx.ModelProto:
    written = [*indices.shape[:-1], *shape[indices.shape[-1] :]]
    nodes = [*more, node("ScatterND", "x i u", "y", "write", **attributes)]
    inputs = [value("x", shape), value("u", written)]
    return model(nodes, inputs, [value("y", shape)], {"j" if more else "i": indices}, opset=16)


CASES = {
    "rows": scatter([1, 3, 8, 5], grid(range(1), range(3), range(2, 6), range(5))),
    "corner": scatter([4, 6], grid(range(2), range(3, 6))),
    "inside": scatter([5, 5, 2], grid(range(1, 3), range(2, 4))),
    "last of all": scatter([2, 3, 4], np.array([[-1]])),
    "everything": scatter([2, 3], grid(range(2), range(3))),
    "computed": scatter([4, 6], grid(range(1, 2), range(6)), node("Abs", "j", "i", "abs")),
}


@pytest.mark.parametrize("case", CASES)
def test_rewrite(case, tmp_path):
    check_rewrite("RKM264", CASES[case], tmp_path, target=INT8)


@pytest.mark.parametrize(
    "proto",
    [
        scatter([4, 6], np.array([[0, 0], [1, 1]])),
        scatter([4, 6], np.array([[1], [0]])),
        scatter([4, 6], np.array([[1], [2]]), reduction="add"),
    ],
)
def test_other_places_are_left_alone(proto):
    before = ir.from_proto(proto)
    infer(before)
    assert not list(RULE.find(before, INT8))


def test_an_fp16_build_is_left_alone():
    before = ir.from_proto(CASES["rows"])
    infer(before)
    assert not list(RULE.find(before, RK3588.computing_in("fp16")))


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_any_block(data):
    shape = data.draw(st.lists(st.integers(1, 5), min_size=1, max_size=4))
    ends = [sorted(data.draw(st.tuples(st.integers(0, size - 1), st.integers(1, size)))) for size in shape]
    indexed = data.draw(st.integers(1, len(shape)))
    ranges = [range(low, max(high, low + 1)) for low, high in ends[:indexed]]
    proto = scatter(shape, grid(*ranges))
    before = ir.from_proto(proto)
    infer(before)
    (finding,) = RULE.find(before, INT8)
    after = apply(before, RULE.mends(before, INT8, finding)[0])
    rng = np.random.default_rng(0)
    feeds = {
        one.name: rng.standard_normal([size.dim_value for size in one.type.tensor_type.shape.dim]).astype(
            np.float32
        )
        for one in proto.graph.input
    }
    np.testing.assert_array_equal(run(ir.to_proto(after), feeds)["y"], run(proto, feeds)["y"])
