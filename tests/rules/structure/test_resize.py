"""Resize in forms that crash the compiler."""

from __future__ import annotations

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from graphs import model, node, run, value
from hypothesis import given, settings
from hypothesis import strategies as st

from rkmend.mend.apply import apply
from rkmend.rules.base import CannotApply
from rule_bench import check_rewrite, check_trial, findings, loaded, only_finding

CODE = "RKM250"


def resize(shape: list[int], scales: list[float], *, opset: int = 13, **attributes) -> onnx.ModelProto:
    nodes = [node("Relu", "x", "r", "relu"), node("Resize", "r roi s", "y", "resize", **attributes)]
    roi = np.array([0.1] * len(shape) + [0.9] * len(shape), np.float32)
    weights = {"roi": roi, "s": np.array(scales, np.float32)}
    made = [int(np.floor(size * np.float32(scale))) for size, scale in zip(shape, scales, strict=True)]
    return model(nodes, [value("x", shape)], [value("y", made)], weights, opset=opset)


def sized(policy: str) -> onnx.ModelProto:
    """Sizes for two axes, given in the other order; the height is the tighter one."""
    attributes = {"axes": [3, 2], "keep_aspect_ratio_policy": policy, "mode": "cubic"}
    scaled = onnx.helper.make_node("Resize", ["x", "", "", "sizes"], ["y"], "resize", **attributes)
    made = {"stretch": [1, 2, 12, 24], "not_larger": [1, 2, 12, 18], "not_smaller": [1, 2, 16, 24]}[policy]
    weights = {"sizes": np.array([24, 12], np.int64)}
    return model([scaled], [value("x", [1, 2, 8, 12])], [value("y", made)], weights, opset=18)


CUBIC = resize([1, 4, 8, 10], [1, 1, 2, 1.5], mode="cubic")
VOLUME = resize([1, 2, 4, 6, 5], [1, 1, 2, 1, 2], mode="linear")
CONVERTS = {
    "linear": resize([1, 4, 8, 10], [1, 1, 2, 1.5], mode="linear"),
    "linear in five axes, by a broken factor": resize([1, 2, 4, 6, 5], [1, 1, 2, 1.5, 2], mode="linear"),
    "nearest in two axes": resize([8, 10], [2, 1.5], mode="nearest"),
    "cubic without what is outside": resize([1, 4, 8, 10], [1, 1, 2, 1.5], mode="cubic", exclude_outside=1),
}
"""All of these were tried."""


@pytest.mark.parametrize("policy", ["stretch", "not_larger", "not_smaller"])
def test_sizes(policy, tmp_path):
    check_rewrite(CODE, sized(policy), tmp_path)


@pytest.mark.parametrize("name", CONVERTS)
def test_not_found_where_the_toolkit_converts(name, tmp_path):
    assert findings(CODE, CONVERTS[name], tmp_path) == []


MODES = st.sampled_from(["half_pixel", "align_corners", "asymmetric", "pytorch_half_pixel"])
SCALES = st.sampled_from([0.3, 0.5, 1.0, 1.25, 2.0, 3.3])


@settings(deadline=None, max_examples=20)
@given(
    mode=MODES,
    height=SCALES,
    width=SCALES,
    sizes=st.tuples(st.integers(4, 9), st.integers(4, 9)),
    opset=st.sampled_from([11, 13, 18]),
    cubic_coeff_a=st.sampled_from([-0.75, -0.5]),
    antialias=st.booleans(),
)
def test_any_cubic_resize(tmp_path_factory, mode, height, width, sizes, opset, cubic_coeff_a, antialias):
    """Against ONNX Runtime; float32 sums of 4 to 30 products are equal to 1e-5 of the largest value."""
    more = {"antialias": 1} if antialias and opset == 18 else {}
    proto = resize(
        [1, 2, *sizes],
        [1, 1, height, width],
        opset=opset,
        mode="cubic",
        coordinate_transformation_mode=mode,
        cubic_coeff_a=cubic_coeff_a,
        **more,
    )
    before = loaded(proto, tmp_path_factory.mktemp("resize"))
    after = apply(before, only_finding(CODE, before)[1])
    given_x = np.random.default_rng(0).standard_normal([1, 2, *sizes], np.float32)
    expected, found = (run(one, {"x": given_x})["y"] for one in (proto, ir.to_proto(after)))
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max(initial=0))


def test_a_number_filled_in_from_outside_is_refused(tmp_path):
    """Extrapolation is no linear map."""
    where = {"coordinate_transformation_mode": "tf_crop_and_resize", "extrapolation_value": 5.0}
    proto = resize([1, 2, 4, 6, 5], [1, 1, 2, 1, 1], mode="nearest", **where)
    proto.graph.initializer[0].CopyFrom(
        onnx.numpy_helper.from_array(np.array([0, 0, -0.5, 0, 0, 1, 1, 1, 1, 1], np.float32), "roi")
    )
    before = loaded(proto, tmp_path)
    with pytest.raises(CannotApply, match="extrapolation_value"):
        apply(before, only_finding(CODE, before)[1])


@pytest.mark.toolkit
@pytest.mark.parametrize("proto", [CUBIC, VOLUME], ids=["cubic", "volume"])
def test_trial(proto, bench, tmp_path):
    check_rewrite(CODE, proto, tmp_path)
    check_trial(bench, CODE, proto, tmp_path)
