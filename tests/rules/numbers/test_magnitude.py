"""RKM405: the magnitude of two parts, with what models have between the sum and the root."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from graphs import model, node, run, value
from hypothesis import given, settings
from hypothesis import strategies as st

from rkmend.mend.apply import apply
from rule_bench import check_rewrite, check_trial, findings, loaded, only_finding

CODE = "RKM405"
SHAPE = [1, 12, 16]
LARGE = 300.0
"""Of parts around this, every square is beyond fp16 (65504)."""


def spectrum(
    between: tuple[str, ...] = (), *, epsilon: float = 0.0, power: bool = False, scale: float = LARGE
) -> onnx.ModelProto:
    """Two MatMul, the sum of their squares, some operators that move it, the root."""
    rng = np.random.default_rng(0)
    weights = {name: rng.standard_normal((16, 8)).astype(np.float32) / 4 for name in ("cos", "sin")}
    weights |= {"s": np.array(scale, np.float32), "two": np.array(2, np.float32)}
    weights |= {"eps": np.array([epsilon], np.float32), "starts": np.array([1]), "ends": np.array([7])}
    weights |= {"axes": np.array([1])}
    square = ("Pow", "{0} two") if power else ("Mul", "{0} {0}")
    nodes = [node("Mul", "x s", "a", "scale")]
    for part in ("cos", "sin"):
        nodes.append(node("MatMul", f"a {part}", f"{part}_part", part))
        nodes.append(node(square[0], square[1].format(f"{part}_part"), f"{part}2", f"{part}_square"))
    nodes.append(node("Add", "cos2 sin2", "p0", "sum"))
    shape = np.empty((1, 12, 8))
    for number, kind in enumerate(between):
        given_, made = f"p{number}", f"p{number + 1}"
        if kind == "Transpose":
            nodes.append(node("Transpose", given_, made, made, perm=[0, 2, 1]))
            shape = shape.transpose(0, 2, 1)
        elif kind == "Slice":
            nodes.append(node("Slice", f"{given_} starts ends axes", made, made))
            shape = shape[:, 1:7]
        else:
            nodes.append(node("Unsqueeze", f"{given_} axes", made, made))
            shape = shape[:, np.newaxis]
    last = f"p{len(between)}"
    if epsilon:
        nodes.append(node("Add", f"{last} eps", "kept", "keep"))
        last = "kept"
    nodes.append(node("Sqrt", last, "y", "root"))
    read = {name for one in nodes for name in one.input}
    kept = {name: array for name, array in weights.items() if name in read}
    return model(nodes, [value("x", SHAPE)], [value("y", list(shape.shape))], kept)


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.sampled_from(["Transpose", "Slice"]), max_size=2, unique=True),
    st.booleans(),
    st.booleans(),
    st.sampled_from([0.0, 1e-5]),
)
def test_the_root_is_the_same(tmp_path_factory, between, rank, power, epsilon):
    proto = spectrum((*between, *["Unsqueeze"] * rank), epsilon=epsilon, power=power)
    before = loaded(proto, tmp_path_factory.mktemp("m"))
    _finding, mend = only_finding(CODE, before)
    import onnx_ir as ir

    after = ir.to_proto(apply(before, mend))
    feeds = {"x": np.random.default_rng(0).standard_normal(SHAPE, np.float32)}
    # eight roundings of float32, 8 * 2^-24
    np.testing.assert_allclose(run(after, feeds)["y"], run(proto, feeds)["y"], rtol=5e-7)


def test_it_is_proved(tmp_path):
    check_rewrite(CODE, spectrum(("Transpose", "Slice", "Unsqueeze"), epsilon=1e-6), tmp_path)


def test_a_sum_that_is_read_twice_stays(tmp_path):
    proto = spectrum()
    proto.graph.output.append(value("p0", [1, 12, 8]))
    assert not findings(CODE, proto, tmp_path)


@pytest.mark.toolkit
def test_the_simulator_no_longer_overflows(bench, tmp_path):
    check_trial(bench, CODE, spectrum(("Transpose", "Slice"), power=True), tmp_path)
