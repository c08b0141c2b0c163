"""RKM401: the root of squares that are beyond fp16, in all the forms in which models write it."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from graphs import model, node, run, value
from hypothesis import given, settings
from hypothesis import strategies as st

from rkmend.mend.apply import apply
from rule_bench import check_rewrite, check_trial, findings, loaded, only_finding

CODE = "RKM401"
SHAPE = (1, 16, 8, 8)
LARGE = 300.0
"""Of values around this, every square is beyond fp16 (65504), and no norm of 16 of them is."""


def _reduction(op_type: str, source: str, target: str, axes: list[int], keepdims: int, opset: int):
    as_input = opset >= (13 if op_type == "ReduceSum" else 18)
    if as_input:
        return node(op_type, f"{source} axes", target, "reduce", keepdims=keepdims)
    return node(op_type, source, target, "reduce", axes=axes, keepdims=keepdims)


def norm(
    form: str = "ReduceL2",
    *,
    axes: tuple[int, ...] = (1,),
    keepdims: int = 1,
    opset: int = 17,
    epsilon: float = 0.0,
    scale: float = LARGE,
) -> onnx.ModelProto:
    """Mul by `scale`, then the norm: by ReduceL2, by ReduceSumSquare and Sqrt, or by Mul or Pow, a sum, and Sqrt."""
    weights = {"s": np.array(scale, np.float32), "eps": np.array([epsilon], np.float32)}
    weights |= {"two": np.array(2, np.float32), "axes": np.array(axes, np.int64)}
    nodes = [node("Mul", "x s", "a", "scale")]
    last = "y" if form == "ReduceL2" else "t"
    if form.startswith("Mul"):
        nodes.append(node("Mul", "a a", "q", "square"))
    elif form.startswith("Pow"):
        nodes.append(node("Pow", "a two", "q", "square"))
    source, op_type = ("q", form[3:]) if form[:3] in ("Mul", "Pow") else ("a", form)
    nodes.append(_reduction(op_type, source, last, list(axes), keepdims, opset))
    if form != "ReduceL2":
        root = "t"
        if epsilon:
            nodes.append(node("Add", "t eps", "e", "add"))
            root = "e"
        nodes.append(node("Sqrt", root, "y", "sqrt"))
    read = {name for one in nodes for name in one.input}
    kept = {name: array for name, array in weights.items() if name in read}
    result = np.ones(SHAPE).sum(axis=axes, keepdims=bool(keepdims))
    outputs = [value("y", list(result.shape))]
    return model(nodes, [value("x", SHAPE)], outputs, kept, opset=opset)


FORMS = ("ReduceL2", "ReduceSumSquare", "MulReduceSum", "MulReduceMean", "PowReduceMean", "PowReduceSum")


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(FORMS),
    st.sampled_from([(1,), (-1,), (2, 3), (0, 1, 2, 3)]),
    st.booleans(),
    st.sampled_from([11, 13, 17, 18]),
    st.sampled_from([0.0, 1e-5]),
)
def test_the_root_is_the_same(tmp_path_factory, form, axes, keepdims, opset, epsilon):
    proto = norm(form, axes=axes, keepdims=int(keepdims), opset=opset, epsilon=epsilon)
    before = loaded(proto, tmp_path_factory.mktemp("m"))
    _finding, mend = only_finding(CODE, before)
    import onnx_ir as ir

    after = ir.to_proto(apply(before, mend))
    feeds = {"x": np.random.default_rng(0).standard_normal(SHAPE, np.float32)}
    want, got = run(proto, feeds)["y"], run(after, feeds)["y"]
    # 1024 squares are added in another order: 1024 * 2^-24, and half of it is left of the root.
    np.testing.assert_allclose(got, want, rtol=1024 * 2.0**-24)


def test_it_is_proved(tmp_path):
    check_rewrite(CODE, norm("PowReduceMean", axes=(-1,), epsilon=1e-6), tmp_path)


def test_nothing_is_divided_by_zero(tmp_path):
    before = loaded(norm(), tmp_path)
    import onnx_ir as ir

    after = ir.to_proto(apply(before, only_finding(CODE, before)[1]))
    assert not run(after, {"x": np.zeros(SHAPE, np.float32)})["y"].any()


def test_a_square_that_is_read_twice_stays(tmp_path):
    proto = norm("MulReduceSum")
    proto.graph.output.append(value("q", SHAPE))
    assert not findings(CODE, proto, tmp_path)


@pytest.mark.toolkit
@pytest.mark.parametrize(
    ("form", "epsilon"), [("ReduceL2", 0.0), ("ReduceSumSquare", 0.0), ("MulReduceMean", 1e-5)]
)
def test_the_simulator_no_longer_overflows(bench, tmp_path, form, epsilon):
    check_trial(bench, CODE, norm(form, epsilon=epsilon), tmp_path)


@pytest.mark.toolkit
def test_where_values_are_small_nothing_is_wrong(bench, tmp_path):
    proto = norm(scale=1.0)
    assert bench.verdict(loaded(proto, tmp_path), proto).converted
