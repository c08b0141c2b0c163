"""RKM502: LayerNormalization that leaves out an attribute, or gives out its statistics."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from graphs import model, node, run, value

from rule_bench import check_rewrite, check_trial, findings

CODE = "RKM502"
FULL = {"axis": -1, "epsilon": 1e-3}
SHAPE = (2, 6, 8)


def norm(attributes: dict[str, object], outputs: str = "y", *, opset: int = 17) -> onnx.ModelProto:
    axis = int(str(attributes.get("axis", -1)))
    random = np.random.default_rng(0)
    size = SHAPE[axis:]
    weights = {name: random.standard_normal(size).astype(np.float32) for name in ("scale", "bias")}
    statistics = [*SHAPE[:axis], *([1] * len(size))]
    values = [value(name, SHAPE if name == "y" else statistics) for name in outputs.split()]
    nodes = [node("LayerNormalization", "x scale bias", outputs, "norm", **attributes)]
    return model(nodes, [value("x", SHAPE)], values, weights, opset=opset)


@pytest.mark.parametrize("attributes", [{}, {"axis": -1}, {"epsilon": 1e-3}], ids=str)
def test_default_attributes_are_written_out(attributes, tmp_path):
    (normalised,) = check_rewrite(CODE, norm(attributes), tmp_path).graph
    assert normalised.attributes.get_int("axis", 0) == -1
    assert normalised.attributes.get_float("epsilon", 0.0) == pytest.approx(attributes.get("epsilon", 1e-5))


@pytest.mark.parametrize(("axis", "opset"), [(-1, 17), (1, 18), (-2, 17)])
def test_the_statistics_are_those_of_the_operator(axis, opset, tmp_path):
    import onnx_ir as ir

    proto = norm({**FULL, "axis": axis}, "y mean inverse", opset=opset)
    after = ir.to_proto(check_rewrite(CODE, proto, tmp_path))
    feeds = {"x": np.random.default_rng(1).standard_normal(SHAPE).astype(np.float32)}
    given, now = run(proto, feeds), run(after, feeds)
    for name, expected in given.items():
        # sums of at most 48 float32 numbers of size 1, in another order
        np.testing.assert_allclose(now[name], expected, rtol=1e-5, atol=1e-5)


def test_both_attributes_and_one_output_are_no_finding(tmp_path):
    assert not findings(CODE, norm(FULL), tmp_path)


@pytest.mark.toolkit
@pytest.mark.parametrize(
    ("attributes", "outputs"), [({}, "y"), ({"epsilon": 1e-3}, "y"), (FULL, "y mean")], ids=str
)
def test_the_toolkit_takes_the_full_form(bench, attributes, outputs, tmp_path):
    check_trial(bench, CODE, norm(attributes, outputs), tmp_path)


@pytest.mark.toolkit
def test_the_full_form_converts_as_it_is(bench, tmp_path):
    from rule_bench import loaded

    assert bench.verdict(loaded(norm(FULL), tmp_path), norm(FULL)).converted
