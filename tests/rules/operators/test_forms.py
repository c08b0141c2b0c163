"""Forms of common operators that the toolkit does not know: computed parameters, training mode, empty axes."""

from __future__ import annotations

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from graphs import model, node, run, value
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto

from rkmend.mend.apply import apply
from rkmend.rules.base import CannotApply
from rule_bench import check_rewrite, findings, loaded, only_finding, rewrite_and_trial

MAP = [1, 8, 6, 10]
CHANNELS = [8]
BATCH_NORM = {
    "s": np.linspace(0.5, 1.5, 8, dtype=np.float32),
    "b": np.linspace(-1, 1, 8, dtype=np.float32),
    "m": np.linspace(-0.3, 0.3, 8, dtype=np.float32),
    "v": np.linspace(0.5, 2, 8, dtype=np.float32),
}


def single(operator, outputs, *, inputs="n", weights=None, opset=17, fed=(), shape=MAP, **attributes):
    """One operator behind a Neg."""
    nodes = [node("Neg", "x", "n", "neg"), onnx.helper.make_node(
        operator, inputs.split(","), [name for name, *_ in outputs], name="operator", **attributes
    )]  # fmt: skip
    given_values = [value(name, sizes) for name, sizes in outputs]
    return model(nodes, [value("x", shape), *fed], given_values, weights, opset=opset)


def batch_norm(fed: str = "sb", shape=MAP, **attributes) -> onnx.ModelProto:
    statistics = [("rm", CHANNELS), ("rv", CHANNELS)] if "training_mode" in attributes else []
    weights = {name: array for name, array in BATCH_NORM.items() if name not in fed}
    values = [value(name, CHANNELS) for name in fed]
    outputs = [("y", shape), *statistics]
    return single(
        "BatchNormalization",
        outputs,
        inputs="n,s,b,m,v",
        weights=weights,
        fed=values,
        shape=shape,
        **attributes,
    )


def training(shape=MAP) -> onnx.ModelProto:
    return batch_norm("", shape, training_mode=1, momentum=0.8)


def prelu(fed: bool = True) -> onnx.ModelProto:
    slope = {} if fed else {"s": np.full((8, 1, 1), 0.25, np.float32)}
    return single("PRelu", [("y", MAP)], inputs="n,s", weights=slope, fed=[value("s", MAP)] if fed else [])


def dropout(ratio: float = 0.0, mask: bool = True) -> onnx.ModelProto:
    weights = {"ratio": np.array(ratio, np.float32), "training": np.array(True)}
    proto = single("Dropout", [("y", MAP)], inputs="n,ratio,training", weights=weights)
    if mask:
        proto.graph.node[1].output.append("mask")
        proto.graph.output.append(value("mask", MAP, TensorProto.BOOL))
    return proto


def layer_norm(axis: int = 0) -> onnx.ModelProto:
    random = np.random.default_rng(0)
    weights = {name: random.random(MAP[axis:], np.float32) + 0.5 for name in "sb"}
    return single(
        "LayerNormalization", [("y", MAP)], inputs="n,s,b", weights=weights, axis=axis, epsilon=1e-5
    )


def reduce_nothing(operator: str) -> onnx.ModelProto:
    weights = {"axes": np.zeros(0, np.int64)}
    return single(operator, [("y", MAP)], inputs="n,axes", weights=weights, opset=18, noop_with_empty_axes=1)


def norm(shape=MAP, **attributes) -> onnx.ModelProto:
    kept = attributes.get("keepdims", 1)
    return single("ReduceL2", [("y", [1] * len(shape) if kept else [])], shape=shape, **attributes)


def norm_by_axes() -> onnx.ModelProto:
    weights = {"axes": np.array([-1, -2, 0, 1], np.int64)}
    return single("ReduceL2", [("y", [1] * 4)], inputs="n,axes", weights=weights, opset=18)


CASES = {
    ("RKM208", "scale and bias"): batch_norm,
    ("RKM209", "one image"): training,
    ("RKM209", "three rows"): lambda: training([3, 8, 10]),
    ("RKM210", "slope"): prelu,
    ("RKM211", "mask"): dropout,
    ("RKM212", "all axes"): layer_norm,
    ("RKM213", "square"): lambda: reduce_nothing("ReduceSumSquare"),
    ("RKM214", "no axes"): norm,
    ("RKM214", "axes"): norm_by_axes,
}


test_rewrite, test_trial = rewrite_and_trial(
    {" ".join(case): (case[0], make()) for case, make in CASES.items()},
    tried=[" ".join(case) for case in {code: (code, form) for code, form in CASES}.values()],
)


@pytest.mark.parametrize("operator", ["ReduceL1", "ReduceL2", "ReduceMin"])
def test_reduce_nothing(operator, tmp_path):
    check_rewrite("RKM213", reduce_nothing(operator), tmp_path)


@pytest.mark.parametrize(
    "proto",
    [batch_norm("v", [4, 8]), batch_norm("sbmv", [2, 8, 3, 4, 5])],
    ids=["two axes", "five axes"],
)
def test_computed_parameters(proto, tmp_path):
    check_rewrite("RKM208", proto, tmp_path)


def test_norm_without_axes(tmp_path):
    check_rewrite("RKM214", norm(keepdims=0), tmp_path)


@pytest.mark.parametrize(
    ("code", "proto"),
    [
        ("RKM208", batch_norm("")),
        ("RKM209", batch_norm("")),
        ("RKM210", prelu(fed=False)),
        ("RKM211", single("Dropout", [("y", MAP)])),
        ("RKM212", layer_norm(axis=1)),
        ("RKM213", single("ReduceSumSquare", [("y", [1] * 4)], opset=18)),
        ("RKM214", norm(axes=[1, 2, 3], shape=MAP)),
        ("RKM214", norm(shape=[8, 6, 10])),
    ],
)
def test_no_finding(code, proto, tmp_path):
    assert not findings(code, proto, tmp_path)


def test_dropout_that_drops_is_refused(tmp_path):
    before = loaded(dropout(ratio=0.5), tmp_path)
    with pytest.raises(CannotApply, match="random"):
        apply(before, only_finding("RKM211", before)[1])


@settings(max_examples=20, deadline=None)
@given(
    sizes=st.tuples(st.integers(1, 3), st.just(8), st.integers(1, 4), st.integers(2, 5)),
    rank=st.integers(2, 4),
    momentum=st.floats(0, 1, width=32),
)
def test_training_statistics(sizes, rank, momentum, tmp_path_factory):
    """Against the definition, of any number of axes and batch."""
    shape = [4, 8] if rank == 2 else [*sizes[:rank]]
    if rank == 3:
        shape[2] += 1  # of a single number there is no variance to divide by
    proto = batch_norm("", shape, training_mode=1, momentum=momentum)
    before = loaded(proto, tmp_path_factory.mktemp("training"))
    after = apply(before, only_finding("RKM209", before)[1])
    x = np.random.default_rng(0).standard_normal(shape, np.float32)
    axes = tuple(axis for axis in range(rank) if axis != 1)
    column = [1, 8, *[1] * (rank - 2)]
    mean, variance = (-x).mean(axes), (-x).var(axes)
    unit = (-x - mean.reshape(column)) / np.sqrt(variance.reshape(column) + 1e-5)
    results = run(ir.to_proto(after), {"x": x})
    expected = {
        "y": unit * BATCH_NORM["s"].reshape(column) + BATCH_NORM["b"].reshape(column),
        "rm": BATCH_NORM["m"] * momentum + mean * (1 - momentum),
        "rv": BATCH_NORM["v"] * momentum + variance * (1 - momentum),
    }
    for name, array in expected.items():  # float32 rounding, enlarged by small deviations of few numbers
        np.testing.assert_allclose(results[name], array, rtol=1e-3, atol=1e-4)
