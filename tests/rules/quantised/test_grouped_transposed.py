"""A ConvTranspose in groups, in int8 builds."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from one_operator import check_same, noise, one, whole
from rkmend.records import Status
from rkmend.rules import get_rule
from rkmend.rules.base import Level
from rkmend.targets import load_target
from rule_bench import check_rewrite, loaded

INT8 = load_target("rk3588").computing_in("int8")


def grouped(
    channels: int, out: int, groups: int, kernel=(1, 5), size=(6, 9), **attributes
) -> onnx.ModelProto:
    weights = {"w": noise([channels, out // groups, *kernel]), "b": noise([out])}
    return one("ConvTranspose", [1, channels, *size], weights, group=groups, **attributes)


CASES = {
    "two": grouped(16, 16, 2),
    "many": grouped(4, 8, 4, kernel=(3, 3), strides=[2, 2], pads=[1, 0, 1, 1], output_padding=[1, 0]),
    "line": grouped(6, 3, 3, kernel=(4,), size=(7,), strides=[2]),
}
MENDS = ("dense-kernel", "one-by-one")


@pytest.mark.parametrize("mend", MENDS)
@pytest.mark.parametrize("case", CASES)
def test_rewrite(case, mend, tmp_path):
    check_rewrite("RKM309", CASES[case], tmp_path, mend, INT8)


@pytest.mark.parametrize(
    ("proto", "target"),
    [
        (grouped(16, 16, 1), INT8),
        (grouped(16, 16, 16), INT8),
        (CASES["two"], load_target("rk3588").computing_in("fp16")),
    ],
)
def test_what_converts_is_left_alone(proto, target, tmp_path):
    assert not list(get_rule("RKM309").find(loaded(proto, tmp_path), target))


@pytest.mark.parametrize(("out", "level"), [(8, Level.ERROR), (16, Level.WARNING), (32, Level.WARNING)])
def test_fewer_outputs_overflow_registers(out, level, tmp_path):
    rule = get_rule("RKM309")
    (finding,) = rule.find(loaded(grouped(16, out, 2), tmp_path), INT8)
    assert rule.level_of(finding, INT8) is level


@given(
    st.integers(2, 4),
    st.integers(1, 3),
    st.integers(1, 3),
    st.lists(st.tuples(*[st.integers(1, 4)] * 3), min_size=1, max_size=2),
    st.sampled_from(MENDS),
    st.booleans(),
)
@settings(max_examples=25, deadline=None)
def test_both_keep_the_numbers(groups, inputs, outputs, axes, mend, biased):
    sizes, kernel, strides = zip(*axes, strict=True)
    weights = {"w": whole([groups * inputs, outputs, *kernel], 1)}
    if biased:
        weights["b"] = whole([groups * outputs], 2)
    shape = [1, groups * inputs, *sizes]
    proto = one("ConvTranspose", shape, weights, group=groups, strides=strides)
    assert check_same("RKM309", proto, target=INT8, mend=mend) is (inputs * outputs > 1)


@pytest.mark.toolkit
def test_the_simulator_dies_and_computes_rightly_after_the_mend(convert, tmp_path):
    """One of 8 to 16 channels, whose groups are narrow: the kernel over all channels is the cheapest."""
    onnx.save(grouped(8, 16, 4), tmp_path / "m.onnx")
    data = tmp_path / "data"
    data.mkdir()
    np.savez(data / "0.npz", x=np.random.default_rng(0).standard_normal([1, 8, 6, 9]).astype(np.float32))
    result = convert(tmp_path / "m.onnx", out=tmp_path / "out", quantize=data)
    assert result.status is Status.MENDED, result.reason
    assert [(one.code, one.name) for one in result.mends] == [("RKM309", "dense-kernel")]
    assert result.first_verdict is not None
    assert str(result.first_verdict.signature) == "simulate: exit 1: scale_inf.shape error!"
