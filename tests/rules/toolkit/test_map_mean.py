"""RKM508: the mean over a feature map that drops its axes."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from graphs import model, node, value

from rkmend.records import Status
from rule_bench import check_rewrite, check_trial, findings, loaded

CODE = "RKM508"
WEIGHTS = {"w": np.linspace(-1, 1, 40, dtype=np.float32).reshape(8, 5)}


def head(
    *between: onnx.NodeProto, axes: tuple[int, ...] = (2, 3), opset: int = 13, **more: int
) -> onnx.ModelProto:
    """A classifier's head: Relu, the mean, whatever is between, MatMul."""
    if opset < 18:
        mean = node("ReduceMean", "r", "a", "mean", axes=axes, **{"keepdims": 0, **more})
    else:
        mean = node("ReduceMean", "r axes", "a", "mean", **{"keepdims": 0, **more})
    last = between[-1].output[0] if between else "a"
    nodes = [node("Relu", "x", "r", "relu"), mean, *between, node("MatMul", f"{last} w", "y", "linear")]
    weights = {**WEIGHTS, "axes": np.array(axes)} if opset >= 18 else WEIGHTS
    return model(nodes, [value("x", [2, 8, 6, 7])], [value("y", None)], weights, opset=opset)


@pytest.mark.parametrize("opset", [11, 13, 18])
@pytest.mark.parametrize("axes", [(2, 3), (-2, -1)])
def test_the_axes_are_taken_off_by_a_reshape(axes, opset, tmp_path):
    check_rewrite(CODE, head(axes=axes, opset=opset), tmp_path)


@pytest.mark.parametrize(
    "between",
    [
        node("Identity", "a", "b", "same"),
        node("Flatten", "a", "b", "flat"),
        node("Dropout", "a", "b", "dropout"),
        node("Sigmoid", "a", "b", "sigmoid"),
    ],
    ids=lambda one: one.op_type,
)
def test_what_changes_nothing_helps_nothing(between, tmp_path):
    assert findings(CODE, head(between), tmp_path)


def test_what_the_toolkit_takes_is_no_finding(tmp_path):
    assert not findings(CODE, head(axes=(3, 2)), tmp_path)
    assert not findings(CODE, head(axes=(2,), keepdims=1), tmp_path)
    alone = model(
        [node("ReduceMean", "x", "a", "mean", axes=[2, 3], keepdims=0), node("Identity", "a", "y", "same")],
        [value("x", [2, 8, 6, 7])],
        [value("y", [2, 8])],
    )
    assert not findings(CODE, alone, tmp_path)


@pytest.mark.toolkit
@pytest.mark.parametrize("target", ["rk3588", "rk3562"])
def test_a_head_is_mended(convert, target, tmp_path):
    onnx.save(head(), tmp_path / "m.onnx")
    result = convert(tmp_path / "m.onnx", out=tmp_path / "out", target=target)
    assert result.status is Status.MENDED, result.reason
    assert [mend.code for mend in result.mends] == [CODE]


@pytest.mark.toolkit
def test_trial(bench, tmp_path):
    check_trial(bench, CODE, head(node("Flatten", "a", "b", "flat")), tmp_path)


@pytest.mark.toolkit
def test_the_other_order_converts_as_it_is(bench, tmp_path):
    assert bench.verdict(loaded(head(axes=(3, 2)), tmp_path), head(axes=(3, 2))).converted
