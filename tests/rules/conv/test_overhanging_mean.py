"""int8 AveragePools whose first window reaches beyond a small map, on rk3576."""

from __future__ import annotations

import onnx
import onnx_ir as ir
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from one_operator import check_same, one
from rkmend.graph import infer
from rkmend.rules import Finding, get_rule
from rkmend.targets import Target, load_target
from rule_bench import rewrite_and_trial

RK3576 = load_target("rk3576")
INT8 = RK3576.computing_in("int8")
CASES = {
    "counted": (
        "RKM126",
        one("AveragePool", [1, 10, 1, 1], kernel_shape=[7, 7], pads=[5, 6, 6, 6], count_include_pad=1),
    ),
    "not-counted": ("RKM126", one("AveragePool", [1, 10, 1, 1], kernel_shape=[8, 7], pads=[5, 4, 7, 6])),
}
test_rewrite, test_trial = rewrite_and_trial(CASES, target=INT8)


def found(proto: onnx.ModelProto, target: Target) -> list[Finding]:
    model = ir.from_proto(proto)
    infer(model)
    return list(get_rule("RKM126").find(model, target))


@pytest.mark.parametrize(
    ("size", "kernel", "pads", "stride", "counted", "converts"),
    [
        (1, 7, (5, 6), 1, 1, False),
        (1, 7, (6, 6), 1, 1, True),
        (1, 7, (4, 4), 1, 1, True),
        (1, 7, (3, 5), 1, 1, False),
        (2, 7, (3, 5), 1, 1, False),
        (2, 7, (5, 6), 1, 1, True),
        (3, 7, (3, 6), 1, 1, False),
        (3, 7, (4, 6), 1, 1, True),
        (1, 6, (4, 5), 1, 1, False),
        (1, 5, (3, 4), 1, 1, True),
        (1, 8, (6, 7), 1, 1, True),
        (1, 8, (6, 7), 1, 0, False),
        (1, 9, (7, 8), 1, 0, True),
        (1, 7, (4, 6), 2, 1, False),
        (1, 7, (5, 6), 2, 1, True),
    ],
)
def test_as_trials_ended(size, kernel, pads, stride, counted, converts):
    proto = one(
        "AveragePool",
        [1, 10, size, 5],
        kernel_shape=[kernel, 3],
        pads=[pads[0], 1, pads[1], 1],
        strides=[stride, 1],
        count_include_pad=counted,
    )
    assert bool(found(proto, INT8)) is not converts
    assert not found(proto, RK3576)


def test_a_stride_that_a_conv_takes_up_leaves_room():
    proto = one("AveragePool", [1, 10, 1, 5], kernel_shape=[7, 1], pads=[5, 0, 5, 0], strides=[1, 2])
    assert not found(proto, INT8)


@given(
    st.tuples(st.integers(1, 2), st.integers(1, 3)),
    st.tuples(st.integers(3, 4), st.integers(3, 6), st.integers(5, 6), st.integers(3, 6)),
    st.sampled_from([0, 1]),
)
@settings(max_examples=30, deadline=None)
def test_the_same_windows(sizes, pads, counted):
    proto = one(
        "AveragePool", [1, 2, *sizes], kernel_shape=[7, 7], pads=list(pads), count_include_pad=counted
    )
    assume(check_same("RKM126", proto, tolerance=1e-5, target=INT8))  # sums of shares, each rounded
