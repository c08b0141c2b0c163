"""RKM503: a normalisation over several axes that is scaled along some of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from graphs import model, node, run, value
from hypothesis import given, settings
from hypothesis import strategies as st

from rkmend.mend.apply import apply
from rule_bench import check_rewrite, check_trial, findings, loaded, only_finding

CODE = "RKM503"


def normalised(
    shape: Sequence[int], axes: Sequence[int], scale: Sequence[int], *, opset: int = 13, power: bool = False
) -> onnx.ModelProto:
    """(x - mean) / sqrt(variance + 0.001) * scale + bias, the bias of the scale's shape."""
    random = np.random.default_rng(0)
    weights = {name: random.standard_normal(scale).astype(np.float32) for name in ("scale", "bias")}
    weights |= {"epsilon": np.float32(1e-3), "two": np.float32(2), "axes": np.array(axes, np.int64)}
    reduce, attributes = (" axes", {}) if opset >= 18 else ("", {"axes": list(axes)})
    nodes = [
        node("ReduceMean", f"x{reduce}", "mean", "mean", keepdims=1, **attributes),
        node("Sub", "x mean", "centred", "sub"),
        node("Pow", "centred two", "square", "square")
        if power
        else node("Mul", "centred centred", "square", "square"),
        node("ReduceMean", f"square{reduce}", "variance", "variance", keepdims=1, **attributes),
        node("Add", "variance epsilon", "shifted", "shift"),
        node("Sqrt", "shifted", "deviation", "sqrt"),
        node("Div", "centred deviation", "normal", "div"),
        node("Mul", "normal scale", "scaled", "scale"),
        node("Add", "scaled bias", "y", "bias"),
    ]
    return model(nodes, [value("x", shape)], [value("y", shape)], weights, opset=opset)


def turned() -> onnx.ModelProto:
    """As converters from TensorFlow leave it: mean and deviation in one layout, the subtraction in the other."""
    weights = {
        "scale": np.array([0.5, -1.0, 2.0], np.float32),
        "epsilon": np.float32(1e-3),
        "ones": np.ones(4, np.int64),
    }
    whole = {"axes": [0, 1, 2, 3], "keepdims": 1}
    nodes = [
        node("Transpose", "x", "last", "last", perm=[0, 2, 3, 1]),
        node("ReduceMean", "last", "given", "mean", **whole),
        node("Reshape", "given ones", "mean", "view"),
        node("Sub", "x mean", "first", "sub"),
        node("Transpose", "first", "centred", "turn", perm=[0, 2, 3, 1]),
        node("Mul", "centred centred", "square", "square"),
        node("ReduceMean", "square", "variance", "variance", **whole),
        node("Add", "variance epsilon", "shifted", "shift"),
        node("Sqrt", "shifted", "deviation", "sqrt"),
        node("Div", "centred deviation", "normal", "div"),
        node("Mul", "normal scale", "y", "scale"),
    ]
    return model(nodes, [value("x", [1, 3, 4, 6])], [value("y", [1, 4, 6, 3])], weights, opset=13)


@pytest.mark.parametrize("opset", [13, 18])
def test_one_operator_takes_the_place_of_the_normalisation(opset, tmp_path):
    proto = normalised([1, 4, 6, 3], (0, 1, 2, 3), [3], opset=opset)
    kinds = [one.op_type for one in check_rewrite(CODE, proto, tmp_path).graph]
    assert kinds == ["Reshape", "InstanceNormalization", "Reshape", "Mul", "Add"]


def test_transposes_inside_are_done_again_behind(tmp_path):
    kinds = [one.op_type for one in check_rewrite(CODE, turned(), tmp_path).graph]
    assert kinds == ["Reshape", "InstanceNormalization", "Reshape", "Transpose", "Mul"]


@settings(max_examples=15, deadline=None)
@given(
    shape=st.lists(st.integers(2, 4), min_size=3, max_size=5),
    kept=st.integers(0, 3),
    power=st.booleans(),
)
def test_any_rank_and_any_number_of_axes(shape, kept, power, tmp_path_factory):
    kept = min(kept, len(shape) - 2)
    axes = [axis - len(shape) for axis in range(kept, len(shape))]  # counted from the end
    proto = normalised(shape, axes, [shape[-1]], power=power)
    before = loaded(proto, tmp_path_factory.mktemp("m"))
    _finding, mend = only_finding(CODE, before)
    after = ir.to_proto(apply(before, mend))
    feeds = {"x": np.random.default_rng(1).standard_normal(shape).astype(np.float32)}
    # sums of at most 4 ** 5 float32 numbers in another order, divided by a deviation of about 1
    np.testing.assert_allclose(run(after, feeds)["y"], run(proto, feeds)["y"], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("axes", "scale"),
    [((-1,), [3]), ((1, 2, 3), []), ((1, 2, 3), [4, 6, 3]), ((1, 2), [3])],
    ids=["one axis", "one number", "all elements", "other axes"],
)
def test_a_scale_that_fits_is_no_finding(axes, scale, tmp_path):
    assert not findings(CODE, normalised([1, 4, 6, 3], axes, scale), tmp_path)


@pytest.mark.toolkit
@pytest.mark.parametrize(
    "proto",
    [
        normalised([1, 8, 16, 3], (0, 1, 2, 3), [3]),
        normalised([1, 6, 8, 16], (1, 2, 3), [6, 1, 1]),
        turned(),
    ],
    ids=["all axes", "channels first", "transposed"],
)
def test_the_toolkit_takes_the_one_operator(bench, proto, tmp_path):
    assert not check_trial(bench, CODE, proto, tmp_path).cpu_ops


@pytest.mark.toolkit
def test_a_scale_for_every_element_converts_as_it_is(bench, tmp_path):
    proto = normalised([1, 4, 6, 3], (1, 2, 3), [4, 6, 3])
    assert bench.verdict(loaded(proto, tmp_path), proto).converted
