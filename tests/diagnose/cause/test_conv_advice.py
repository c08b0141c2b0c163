"""Advice on Convs: what is called exact is, what does not apply says so, and sizes are those that were asked for."""

from __future__ import annotations

import dataclasses

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from conv_cases import SMALL, Case, cases, run
from hypothesis import given, settings

from rkmend.diagnose.cause.conv_advice import conv_advice
from rkmend.diagnose.cause.family import CannotBuild
from rkmend.graph import InvalidModel, validated
from rkmend.rules.base import Exactness


def pieces(case: Case, **pads):
    model = validated(ir.from_proto(case.proto(**pads)))
    return {piece.change.partition(" (")[0]: piece for piece in conv_advice(model)}


def small(**sizes) -> Case:
    return Case(dataclasses.replace(SMALL, **sizes))


def shapes(model: ir.Model) -> tuple[list[int], list[int], list[int]]:
    """Of the input, of the weights of the first Conv, and of the output."""
    conv = next(node for node in model.graph if node.op_type == "Conv")
    values = (model.graph.inputs[0], conv.inputs[1], model.graph.outputs[0])
    return tuple(list(value.shape.numpy()) for value in values)


@settings(max_examples=30, deadline=None)
@given(cases().map(lambda case: dataclasses.replace(case, consumers=())))
def test_what_is_called_exact_or_rounding_computes_the_same(case):
    """On whole numbers: every sum is exact, so `rounding` has nothing to round either, and no tolerance is needed."""
    expected = run(case.model(), case.feed())
    built = 0
    for change, piece in pieces(case).items():
        if piece.exactness is Exactness.CHANGES_MODEL:
            continue
        try:
            model = piece.build()
        except CannotBuild:
            continue
        built += 1
        (found,) = run(model, case.feed())
        assert found.dtype == expected[0].dtype and np.array_equal(found, expected[0]), change
    assert built or case.geometry.rows.live < 2


@settings(max_examples=15, deadline=None)
@given(cases().map(lambda case: dataclasses.replace(case, consumers=(), dtype=np.float32)))
def test_every_model_runs(case):
    feed = np.random.default_rng(0)
    for change, piece in pieces(case).items():
        try:
            model = piece.build()
        except (CannotBuild, InvalidModel) as error:
            assert error.message and "\n" not in error.message
            continue
        data, _, output = shapes(model)
        if "auto_pad" in change:  # ONNX Runtime and ONNX part ways where SAME meets a stride or a dilation
            continue
        (found,) = run(model, {"x": feed.standard_normal(data).astype(np.float32)})
        assert list(found.shape) == output, change


def test_the_original_stays_as_it_is():
    model = validated(Case().model())
    before = ir.to_proto(model).SerializeToString(deterministic=True)
    for piece in conv_advice(model):
        try:
            piece.build()
        except (CannotBuild, InvalidModel):
            continue
    assert ir.to_proto(model).SerializeToString(deterministic=True) == before


@pytest.mark.parametrize(
    ("change", "case", "data", "weight"),
    [
        ("width rounded up to a multiple of 16", small(width=1198), [1, 3, 5, 1200], [4, 3, 1, 1]),
        ("width rounded up to a power of two", small(width=1198), [1, 3, 5, 2048], [4, 3, 1, 1]),
        ("width cut to a power of two", small(width=1198), [1, 3, 5, 1024], [4, 3, 1, 1]),
        ("width under 1024", small(width=1198), [1, 3, 5, 1008], [4, 3, 1, 1]),
        ("width under 1024", small(width=1024), [1, 3, 5, 1008], [4, 3, 1, 1]),
        ("input channels rounded up to a multiple of 16", small(), [1, 16, 5, 6], [4, 16, 1, 1]),
        ("input channels rounded up to a multiple of 32", small(), [1, 32, 5, 6], [4, 32, 1, 1]),
        ("output channels rounded up to a multiple of 32", small(), [1, 3, 5, 6], [32, 3, 1, 1]),
        (
            "input channels rounded up to a multiple of 16",
            small(channels=6, out_channels=9, groups=3),
            [1, 48, 5, 6],
            [9, 16, 1, 1],
        ),
        (
            "input channels rounded up to a multiple of 16",
            small(channels=3, out_channels=6, groups=3),
            [1, 16, 5, 6],
            [32, 1, 1, 1],
        ),
    ],
)
def test_sizes(change, case, data, weight):
    piece = pieces(case)[change]
    found = shapes(piece.build())
    assert found[:2] == (data, weight)
    assert piece.exactness is Exactness.CHANGES_MODEL


def test_weights_are_repeated_and_cut_from_their_start():
    case = small(channels=20, out_channels=20)
    old = validated(case.model()).graph.initializers["w"].const_value.numpy()
    model = pieces(case)["output channels rounded up to a multiple of 32"].build()
    conv = next(node for node in model.graph if node.op_type == "Conv")
    new, bias = (conv.inputs[index].const_value.numpy() for index in (1, 2))
    assert np.array_equal(new, np.concatenate([old, old[:12]]))
    assert np.array_equal(bias[20:], bias[:12])


def test_padding_at_one_side_leaves_the_others():
    conv = next(iter(pieces(small())["padding to 0 at the bottom alone"].build().graph))
    assert list(conv.attributes.get_ints("pads")) == [1, 1, 0, 1]


@pytest.mark.parametrize(
    ("change", "pads", "exactness"),
    [
        ("auto_pad VALID instead of explicit padding", [0, 0, 0, 0], Exactness.EXACT),
        ("auto_pad VALID instead of explicit padding", [0, 0, 0, 1], Exactness.CHANGES_MODEL),
        ("auto_pad SAME_UPPER instead of explicit padding", [0, 0, 0, 0], Exactness.EXACT),
        ("padding to 0 at the bottom alone", [0, 0, 1, 0], Exactness.CHANGES_MODEL),
        ("padding to 0 at the top alone", [1, 0, 0, 0], Exactness.CHANGES_MODEL),
    ],
)
def test_exactness_of_another_padding(change, pads, exactness):
    assert pieces(small(), pads=pads)[change].exactness is exactness


def test_padding_that_the_stride_never_reaches_may_go():
    case = small(height=3, stride_h=2, pad_top=0, pad_bottom=1, pad_left=0, pad_right=0)
    assert pieces(case)["padding to 0 at the bottom alone"].exactness is Exactness.EXACT


@pytest.mark.parametrize(
    ("change", "case", "pads", "reason"),
    [
        ("auto_pad VALID instead of explicit padding", small(), {"auto_pad": "VALID"}, "auto_pad is VALID already"),
        ("padding to 0 on every side", small(), {"pads": [0] * 4}, "there is no padding"),
        ("padding to 0 at the left alone", small(), {"pads": [1, 0, 1, 1]}, "there is no padding at the left"),
        ("an explicit Pad node, then the Conv without padding", small(), {"pads": [0] * 4}, "there is no padding"),
        ("width rounded up to a multiple of 16", small(width=48), {}, "the width is a multiple of 16 already"),
        ("width cut to a power of two", small(width=1), {}, "the width is a power of two already"),
        ("width under 1024", small(), {}, "the width is under 1024 already"),
        ("a group Conv of two groups instead", small(), {}, "the channels are not even"),
        (
            "a group Conv of two groups instead",
            small(channels=4, groups=2),
            {},
            "it has 2 groups already",
        ),
        (
            "output channels rounded up to a multiple of 16",
            small(channels=4, groups=4),
            {},
            "those of a depth-wise Conv change with its input channels",
        ),
        (
            "split along the input channels into two Convs, added",
            small(channels=4, groups=2),
            {},
            "a group Conv is split along its input channels already",
        ),
        ("MaxPool 2x2 of stride 2 before it", small(height=1), {}, "the input is smaller than 2x2"),
        (
            "padding to 0 on every side",
            small(width=1, kernel_w=3, stride_w=4),
            {},
            "the kernel is larger than the padded input",
        ),
        (
            "split along H into two Convs, joined",
            small(height=1),
            {},
            "no more than one output row sees the input",
        ),
    ],
)  # fmt: skip
def test_advice_that_does_not_apply(change, case, pads, reason):
    with pytest.raises(CannotBuild) as told:
        pieces(case, **pads)[change].build()
    assert told.value.message == reason


def test_weights_that_are_fed_cannot_be_cut():
    proto = Case().proto()
    weight = proto.graph.initializer[0]
    proto.graph.initializer.remove(weight)
    proto.graph.input.append(onnx.helper.make_tensor_value_info("w", weight.data_type, weight.dims))
    found = {piece.change: piece for piece in conv_advice(validated(ir.from_proto(proto)))}
    with pytest.raises(CannotBuild, match="computed while the model runs"):
        found["split along the output channels into two Convs, joined"].build()


def test_no_advice_on_convs_for_other_models():
    assert not list(conv_advice(validated(Case(consumers=("Relu",)).model())))
