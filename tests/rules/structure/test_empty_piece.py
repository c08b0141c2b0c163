"""Pieces without elements, joined and split off."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from graphs import model, node, run, value

from rkmend.graph import infer
from rkmend.mend.apply import apply
from rkmend.rules import get_rule
from rkmend.targets import load_target
from rule_bench import Bench, check_before_and_after, loaded

RULE = get_rule("RKM259")
RK3588 = load_target("rk3588")


def rotary(opset: int) -> onnx.ModelProto:
    """All of it is kept apart from nothing, changed, and joined again."""
    shapes = [value("x", [2, 4, 8])], [value("y", [2, 4, 8])]
    join = [node("Relu", "all", "changed", "relu"), node("Concat", "changed none", "y", "join", axis=-1)]
    if opset < 13:
        return model(
            [node("Split", "x", "all none", "split", axis=2, split=[8, 0]), *join], *shapes, opset=opset
        )
    first = node("Split", "x sizes", "all none", "split", axis=2)
    return model([first, *join], *shapes, {"sizes": np.array([8, 0], np.int64)}, opset=opset)


def mended(before: ir.Model) -> ir.Model:
    (finding,) = RULE.find(before, RK3588)
    (mend,) = RULE.mends(before, RK3588, finding)
    after = apply(before, mend)
    assert not list(RULE.find(after, RK3588))
    check_before_and_after("RKM259", mend, before, after)
    return after


@pytest.mark.parametrize("opset", [12, 13])
def test_first_the_join_then_the_split(opset: int) -> None:
    before = ir.from_proto(rotary(opset))
    infer(before)
    after = mended(before)
    assert [one.op_type for one in after.graph] == ["Identity", "Relu", "Identity"]
    feeds = {"x": np.random.default_rng(0).standard_normal((2, 4, 8)).astype(np.float32)}
    np.testing.assert_array_equal(run(ir.to_proto(after), feeds)["y"], run(rotary(opset), feeds)["y"])


def test_what_is_read_elsewhere_stays() -> None:
    proto = rotary(13)
    proto.graph.output.append(value("none", [2, 4, 0]))
    before = ir.from_proto(proto)
    infer(before)
    assert [one.op_type for one in mended(before).graph] == ["Split", "Relu", "Identity"]


@pytest.mark.toolkit
def test_trial(bench: Bench, tmp_path: Path) -> None:
    proto = rotary(13)
    before = loaded(proto, tmp_path)
    assert not bench.verdict(before, proto).converted
    assert bench.verdict(mended(before), proto).converted
