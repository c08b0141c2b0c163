from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from conv_cases import NODE, SMALL, Case, cases, run
from hypothesis import given, settings

from rkmend.mend.apply import apply
from rkmend.rules import CannotApply, Exactness, get_rule
from rkmend.rules.conv.conv_padding_mends import MAX_KERNEL
from rkmend.targets import load_target, target_names
from rkmend.tiling.conv import Axis, ConvGeometry
from rkmend.toolkit.options import BuildOptions
from rkmend.toolkit.verdict import Outcome, Signature, Stage, Verdict
from rule_bench import check_before_and_after

RULE = get_rule("RKM101")
RK3588 = load_target("rk3588")


def findings(model: ir.Model):
    return list(RULE.find(model, RK3588))


def mends(model: ir.Model):
    (finding,) = findings(model)
    return {mend.name: mend for mend in RULE.mends(model, RK3588, finding)}


def conv_of(model: ir.Model) -> ir.Node:
    (conv,) = (node for node in model.graph if node.op_type == "Conv")
    return conv


@given(cases())
@settings(max_examples=60, deadline=None)
def test_find_holds_where_a_window_fits_into_the_rows_of_padding(case):
    rows = case.geometry.rows
    padded = [False] * rows.pad_begin + [True] * rows.size + [False] * rows.pad_end
    fits = any(not any(padded[i : i + rows.extent]) for i in range(len(padded) - rows.extent + 1))
    assert [finding.nodes for finding in findings(case.model())] == ([(NODE,)] if fits else [])


def test_the_facts_are_those_of_the_layer():
    (finding,) = findings(Case(replace(SMALL, pad_bottom=3)).model())
    assert (finding.code, finding.name) == ("RKM101", "padding-beyond-kernel")
    assert finding.facts == {
        "height": 5,
        "width": 6,
        "channels": 3,
        "out_channels": 4,
        "groups": 1,
        "kernel_h": 1,
        "stride_h": 1,
        "dilation_h": 1,
        "dilated_kernel_h": 1,
        "pad_top": 1,
        "pad_bottom": 3,
        "output_rows": 9,
        "dead_rows_top": 1,
        "dead_rows_bottom": 3,
        "empty_piece": True,
    }
    assert "4 of 9 output rows see padding only" in finding.message


@pytest.mark.parametrize("target", target_names())
def test_only_rk3588_is_affected(target):
    found = list(RULE.find(Case().model(), load_target(target)))
    assert bool(found) == (target == "rk3588")


def test_a_conv_of_open_size_is_left_alone():
    proto = Case().proto()
    del proto.graph.value_info[:]
    for value in (*proto.graph.input, *proto.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "N"
    assert not findings(ir.from_proto(proto))


def test_conv1d_and_conv3d_are_left_alone():
    for rank in (1, 3):
        node = onnx.helper.make_node("Conv", ["x", "w"], ["y"], name="c", pads=[1] * 2 * rank)
        graph = onnx.helper.make_graph(
            [node],
            "g",
            [onnx.helper.make_tensor_value_info("x", 1, [1, 2] + [4] * rank)],
            [onnx.helper.make_tensor_value_info("y", 1, None)],
            [onnx.numpy_helper.from_array(np.ones([2, 2] + [1] * rank, np.float32), "w")],
        )
        proto = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)])
        assert not findings(ir.from_proto(onnx.shape_inference.infer_shapes(proto)))


@given(cases(beyond=True))
@settings(max_examples=100, deadline=None)
def test_every_mend_gives_equal_numbers_within_the_kernel(case):
    """Whole numbers so small that every sum is exact: the outputs must be equal, in whatever order."""
    model = case.model()
    before = run(model, case.feed())
    geometry = case.geometry
    for name, mend in mends(model).items():
        if mend.rewrite is None:
            continue
        try:
            mended = apply(model, mend)
        except CannotApply as error:
            assert name != "kernel-embedding", error  # kernels of these sizes never grow beyond the limit
            assert not geometry.rows.live or not geometry.cols.live
            continue
        onnx.checker.check_model(ir.to_proto(mended), full_check=True)
        for ours, theirs in zip(before, run(mended, case.feed()), strict=True):
            np.testing.assert_array_equal(ours, theirs, err_msg=name)
        conv = conv_of(mended)
        kernel, dilation = (conv.attributes.get_ints(key) for key in ("kernel_shape", "dilations"))
        reach = [(k - 1) * d for k, d in zip(kernel, dilation, strict=True)]
        top, left, bottom, right = conv.attributes.get_ints("pads")
        assert max(top, bottom) <= reach[0]
        assert max(left, right) <= reach[1]
        demand_same_surroundings(model, mended)


def demand_same_surroundings(model: ir.Model, mended: ir.Model) -> None:
    for what in ("inputs", "outputs"):
        ours, theirs = getattr(model.graph, what), getattr(mended.graph, what)
        assert [(v.name, v.shape, v.dtype) for v in ours] == [(v.name, v.shape, v.dtype) for v in theirs]
    kept = {node.name: node for node in mended.graph}
    for node in model.graph:
        if node.name.startswith("after"):
            assert [v.name for v in kept[node.name].inputs] == ["y"]
    names = [node.name for node in mended.graph]
    assert len(names) == len(set(names))
    assert NODE not in names
    for node in mended.graph:
        if node.name not in {other.name for other in model.graph}:
            assert node.name.startswith(f"{NODE}/rkmend/")
            assert node.metadata_props["rkmend.rule"] == "RKM101"
            assert node.metadata_props["rkmend.from"] == NODE
    used = {v.name for node in mended.graph for v in node.inputs}
    inputs = {value.name for value in mended.graph.inputs}
    assert set(mended.graph.initializers) <= used | inputs
    assert all(node.op_type != "Constant" or node.outputs[0].name in used for node in mended.graph)


def test_the_competing_mends_and_their_exactness():
    got = [(mend.name, mend.exactness) for mend in mends(Case().model()).values()]
    assert got == [
        ("output-padding", Exactness.ROUNDING),
        ("border-rows", Exactness.EXACT),
        ("kernel-embedding", Exactness.EXACT),
        ("single-core", Exactness.EXACT),
    ]
    assert mends(Case(bias=False).model())["output-padding"].exactness is Exactness.EXACT


def test_the_shape_of_each_mend():
    model = Case().model()
    operators = {
        name: [node.op_type for node in apply(model, mend).graph]
        for name, mend in mends(model).items()
        if mend.rewrite
    }
    assert operators == {
        "output-padding": ["Conv", "Pad", "Add"],
        "border-rows": ["Conv", "Concat", "Concat"],
        "kernel-embedding": ["Conv"],
    }


UNREACHED = replace(SMALL, height=6, stride_h=4, pad_top=0, pad_bottom=2, pad_left=0, pad_right=0)
"""Windows begin at rows 0 and 4 of 6: the 2 rows of padding below are never reached."""


@pytest.mark.parametrize("mend", ["output-padding", "border-rows", "kernel-embedding", "trim-padding"])
def test_rewrite(mend):
    before = Case(UNREACHED if mend == "trim-padding" else SMALL).model()
    chosen = mends(before)[mend]
    check_before_and_after("RKM101", chosen, before, apply(before, chosen))


@pytest.mark.parametrize(("groups", "dies"), [(2, True), (4, False), (1, False)])
def test_groups_of_whole_atoms_are_looked_at_one_by_one(groups, dies):
    """As trials ended, of 512 channels in so many groups with 21 and 11 outputs each, and of all as one."""
    rows, cols = Axis(6, 4, 2, pad_begin=4, pad_end=1), Axis(128, 4, 2, pad_begin=2, pad_end=3)
    shape = ConvGeometry.along(rows, cols, 512, {1: 42, 2: 42, 4: 44}[groups], groups)
    (finding,) = findings(Case(shape).model())
    assert finding.facts["empty_piece"] == dies


@pytest.mark.parametrize(
    ("kernel_w", "pad_left", "dies"), [(13, 10, True), (13, 18, False), (21, 10, True), (21, 18, True)]
)
def test_a_kernel_that_is_cut_along_the_width_leaves_the_rows_alone(kernel_w, pad_left, dies):
    """As trials ended: else a pad over 15 becomes a Pad of rows and columns."""
    rows, cols = (
        Axis(13, 2, 2, pad_begin=2, pad_end=2),
        Axis(1091, kernel_w, 2, pad_begin=pad_left, pad_end=2),
    )
    (finding,) = findings(Case(ConvGeometry.along(rows, cols, 128, 16)).model())
    assert finding.facts["empty_piece"] == dies


def test_padding_that_the_stride_never_reaches_is_trimmed():
    model = Case(UNREACHED).model()
    assert list(mends(model)) == ["trim-padding", "single-core"]
    mended = apply(model, mends(model)["trim-padding"])
    assert list(conv_of(mended).attributes.get_ints("pads")) == [0, 0, 0, 0]


def test_single_core_changes_that_option_only():
    options = mends(Case().model())["single-core"].options(BuildOptions(optimization_level=1))
    assert options == BuildOptions(optimization_level=1, single_core_mode=True)


def test_a_kernel_that_would_grow_too_large_is_refused():
    fits = replace(SMALL, pad_top=(MAX_KERNEL - 1) // 2, pad_bottom=(MAX_KERNEL - 1) // 2)
    model = Case(fits).model()
    apply(model, mends(model)["kernel-embedding"])
    model = Case(replace(fits, pad_bottom=fits.pad_bottom + 1)).model()
    with pytest.raises(CannotApply, match="would grow to 32x3"):
        apply(model, mends(model)["kernel-embedding"])


def test_computed_weights_and_biases_are_refused_where_their_numbers_are_needed():
    model = Case(weights="computed").model()
    for name, mend in mends(model).items():
        if mend.rewrite:
            what = "weights are" if name == "kernel-embedding" else "bias is"
            with pytest.raises(CannotApply, match=f"the {what} computed while the model runs"):
                apply(model, mend)


def test_computed_weights_without_bias_need_no_numbers():
    case = Case(weights="computed", bias=False)
    model = case.model()
    (before,) = run(model, case.feed())
    for name in ("output-padding", "border-rows"):
        np.testing.assert_array_equal(before, run(apply(model, mends(model)[name]), case.feed())[0])


def test_names_that_are_taken_get_a_number():
    proto = Case(consumers=("Relu",)).proto()
    proto.graph.node[1].name = f"{NODE}/rkmend/conv"
    mended = apply(ir.from_proto(proto), mends(ir.from_proto(proto))["border-rows"])
    assert conv_of(mended).name == f"{NODE}/rkmend/conv_2"


def test_a_shared_weight_stays_for_its_other_user():
    proto = Case(bias=False).proto()
    proto.graph.node.append(onnx.helper.make_node("Relu", ["w"], ["v"], name="other"))
    proto.graph.output.append(onnx.helper.make_tensor_value_info("v", 1, [4, 3, 1, 1]))
    model = ir.from_proto(proto)
    mended = apply(model, mends(model)["kernel-embedding"])
    assert "w" in mended.graph.initializers


def verdict(outcome: Outcome, message: str) -> Verdict:
    return Verdict(
        outcome=outcome,
        stage=Stage.BUILD,
        signature=Signature(Stage.BUILD, "SIGABRT", "Failed to config layer"),
        message=message,
        layers=(),
        memory_kb={},
        agreement=(),
        notes=(),
        seconds=1.0,
        stage_seconds={},
    )


def test_recognises_its_log():
    line = "E RKNN: Failed to config layer: 'Conv:c', Fatal Error"
    assert RULE.recognises(verdict(Outcome.ABORTED, line))
    assert not RULE.recognises(verdict(Outcome.REJECTED, line))
    wide = "E RKNN: X tile buffer overflow! Failed to config layer: 'c', Fatal Error input W too large"
    assert not RULE.recognises(verdict(Outcome.ABORTED, wide))
    assert RULE.recognises(verdict(Outcome.UNSOUND, "REGTASK: offset 0x1028"))
    assert not RULE.recognises(verdict(Outcome.UNSOUND, "REGTASK: offset 0x1014"))


def test_the_page_has_its_sections():
    page = RULE.page()
    assert page.startswith("# RKM101 padding-beyond-kernel\n")
    sections = [line[3:] for line in page.splitlines() if line.startswith("## ")]
    assert sections == [
        "What happens",
        "Why",
        "Example",
        "What rkmend does",
        "Exactness and its limits",
        "Evidence",
    ]
    for mend in (*mends(Case().model()), "trim-padding"):
        assert f"`{mend}`" in page
