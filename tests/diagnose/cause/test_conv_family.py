"""The family of Convs: its models are what their points say, and its features are what their names say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from conv_cases import run
from hypothesis import given, settings
from hypothesis import strategies as st

from rkmend.diagnose.cause.conv_family import ConvFamily
from rkmend.diagnose.cause.conv_point import geometry, point_of
from rkmend.diagnose.cause.family import CannotBuild
from rkmend.graph import digest_ir
from rkmend.targets import load_target
from rkmend.tiling.conv import ConvGeometry

SEED = ConvGeometry(1, 384, 126, 1198, 128, 1, 1, pad_top=1, pad_left=1, pad_bottom=1, pad_right=1)
SMALL = ConvGeometry(1, 4, 3, 5, 6, 1, 1, pad_bottom=1)
GROUPED = ConvGeometry(2, 8, 9, 7, 12, 3, 3, 2, 1, 1, 1, 1, 1, 2, 1, groups=4)


def family(
    reproducer: ConvGeometry = SMALL, original: ConvGeometry = SEED, target: str = "rk3588"
) -> ConvFamily:
    return ConvFamily(point_of(reproducer, bias=False), point_of(original, bias=True), load_target(target))


def features(of: ConvFamily, point) -> dict[str, float]:
    return {feature.name: feature.of(point) for feature in of.features}


def changed(**factors):
    return {**family().start, **factors}


@pytest.mark.parametrize("shape", [SEED, SMALL, GROUPED])
def test_a_point_is_the_conv_it_was_made_from(shape):
    assert geometry(point_of(shape, bias=True)) == shape


def test_the_domain_goes_from_the_reproducer_to_the_original_and_a_little_beyond():
    domain = {factor.name: factor for factor in family().factors}
    assert (domain["width"].low, domain["width"].high) == (1, 1198)
    assert (domain["pad_top"].low, domain["pad_top"].high) == (0, 3)
    assert (domain["kernel_h"].high, domain["dilation_h"].high) == (3, 2)
    assert domain["batch"].beyond == (2, 3) and str(domain["batch"]) == "1"
    assert domain["groups"].choices == (1,)
    assert set(family().start) == set(domain) == set(family().original)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6))
def test_models_are_what_their_points_say(seed):
    toy, random = family(GROUPED, GROUPED), np.random.default_rng(seed)
    point = {factor.name: factor.draw(random) for factor in toy.factors}
    shape = geometry(point)
    try:
        model = toy.build(point)
    except CannotBuild:
        assert min(shape.rows.outputs, shape.cols.outputs) < 1
        return
    proto = ir.to_proto(model)
    onnx.checker.check_model(proto, full_check=True)
    (result,) = run(
        model, {"x": np.ones((shape.batch, shape.channels, shape.height, shape.width), np.float32)}
    )
    assert result.shape == shape.output_shape
    around = [name for name in (point["before"], "Conv", point["after"]) if name != "none"]
    assert [node.op_type for node in model.graph] == around
    conv = next(node for node in proto.graph.node if node.op_type == "Conv")
    assert (len(conv.input) == 3) == (point["bias"] == "yes")
    assert digest_ir(model) == digest_ir(toy.build(point))


def test_what_is_no_conv_or_takes_minutes_is_not_built():
    with pytest.raises(CannotBuild, match="kernel is larger"):
        family().build(changed(kernel_w=9, width=3))
    with pytest.raises(CannotBuild, match="too large"):
        family().build(changed(in_channels=2048, height=512, width=512))


def test_derived_features():
    found = features(
        family(), changed(kernel_h=3, dilation_h=2, pad_top=5, pad_bottom=1, stride_h=7, height=9)
    )
    assert found["pad_top - (dilated_kernel_h - 1)"] == 1
    assert found["pad_bottom - (dilated_kernel_h - 1)"] == -3
    assert found["stride_h - dilated_kernel_h"] == 2
    assert (
        found["output_rows"] == 2
        and found["has bias"] == 0
        and found["there is an activation before it"] == 0
    )
    found = features(family(), changed(bias="yes", after="Relu"))
    assert found["has bias"] == found["there is an activation after it"] == 1


def test_features_of_the_tiling_are_there_where_the_buffer_is_known():
    found = features(family(), family().original)
    assert (
        found["live_rows_in_emptiest_piece"] == 0
        and found["row_entries"] == 14376
        and found["weight_banks"] == 3
    )
    assert "row_entries" not in features(family(target="rk2118"), family().original)


@given(st.integers(0, 10**6))
def test_every_point_has_features_even_where_there_is_no_model(seed):
    """Pictures ask for whole grids."""
    random, toy = np.random.default_rng(seed), family()
    point = {factor.name: factor.draw(random) for factor in toy.factors}
    point |= {"kernel_h": 9, "height": 2, "pad_top": 0, "pad_bottom": 0}
    assert features(toy, point)["output_rows"] < 1
    assert features(toy, point)["live_rows_in_emptiest_piece"] >= 1  # no piece, so none without input


def test_names_tell_features_apart_and_statements_are_there_in_both_languages():
    found = family().features
    assert len({feature.name for feature in found}) == len(found)
    assert all(feature.name_zh for feature in found if feature.yes_no)
    assert all(bool(feature.meaning) == bool(feature.meaning_zh) for feature in found)


def test_the_meaning_is_illustrated_with_the_original():
    def meanings(original: ConvGeometry) -> tuple[str, str]:
        live = next(f for f in family(original=original).features if f.name.startswith("live_rows"))
        return live.meaning, live.meaning_zh

    english, chinese = meanings(SEED)
    assert english.endswith(
        "Here: 128 output rows, for 3 cores in 66 pieces of 1 to 2 rows; 1 at the bottom see padding only, and the "
        "last piece has no more than 1."
    )
    assert "切成 66 块" in chinese
    top = replace(SEED, height=4, pad_top=1, pad_bottom=0)
    assert ("first piece" in meanings(replace(top, pad_top=3))[0]) and "顶部" in meanings(
        replace(top, pad_top=3)
    )[1]
    assert "Here:" not in meanings(replace(SEED, pad_bottom=0, pad_top=0))[0]
