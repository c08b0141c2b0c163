"""Models that are refused, each by a rule that says why."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from graphs import model, node, value
from onnx import TensorProto, helper

from rkmend.errors import InputError
from rkmend.graph import freeze, load
from rkmend.rules import get_rule
from rkmend.toolkit.options import BuildOptions
from rkmend.verification.reference import make_reference
from rule_bench import RK3588, findings, loaded

MAP = [1, 4, 8, 8]


def sequence() -> onnx.ModelProto:
    tensor = helper.make_tensor_type_proto(TensorProto.FLOAT, [2])
    kind = helper.make_sequence_type_proto(tensor)
    return model(
        [node("Identity", "x", "y")],
        [helper.make_value_info("x", kind)],
        [helper.make_value_info("y", kind)],
    )


def text_in() -> onnx.ModelProto:
    kind = value("x", [2], TensorProto.STRING)
    return model([node("Cast", "x", "y", to=TensorProto.FLOAT)], [kind], [value("y", [2])])


def text_out() -> onnx.ModelProto:
    kind = value("y", [2], TensorProto.STRING)
    return model([node("Cast", "x", "y", to=TensorProto.STRING)], [value("x", [2])], [kind])


def empty() -> onnx.ModelProto:
    return model([node("Relu", "x", "y")], [value("x", [2, 0])], [value("y", [2, 0])])


def never_runs() -> onnx.ModelProto:
    """It looks up what is not there."""
    weights = {"table": np.zeros((2, 3), np.float32), "places": np.array([99], np.int64)}
    nodes = [node("Gather", "table places", "row"), node("Add", "x row", "y")]
    return model(nodes, [value("x", [1, 3])], [value("y", [1, 3])], weights)


@pytest.mark.parametrize(
    ("case", "code"),
    [
        (sequence, "RKM080"),
        (text_in, "RKM081"),
        (text_out, "RKM081"),
        (empty, "RKM082"),
        (never_runs, "RKM085"),
    ],
)
def test_refused_before_any_trial(case, code, tmp_path):
    onnx.save(case(), tmp_path / "model.onnx")
    with pytest.raises(InputError) as refused:
        make_reference(freeze(load(tmp_path / "model.onnx"), {}), BuildOptions(), tmp_path / "samples")
    assert refused.value.rule == code
    assert f"# {code} " in get_rule(code).page()


def nonzero() -> onnx.ModelProto:
    """With the shape that an exporter saw."""
    return model([node("NonZero", "x", "y")], [value("x", MAP)], [value("y", [4, 7], TensorProto.INT64)])


def no_input() -> onnx.ModelProto:
    return model([node("Relu", "c", "y")], [], [value("y", [2])], {"c": np.ones(2, np.float32)})


def inner_sequence() -> onnx.ModelProto:
    nodes = [node("SequenceConstruct", "x x", "s"), node("ConcatFromSequence", "s", "y", axis=0)]
    return model(nodes, [value("x", MAP)], [value("y", [2, 4, 8, 8])])


def inner_bfloat16() -> onnx.ModelProto:
    nodes = [
        node("Cast", "x", "b", to=TensorProto.BFLOAT16),
        node("Cast", "b", "y", to=TensorProto.FLOAT),
    ]
    return model(nodes, [value("x", MAP)], [value("y", MAP)])


def inner_empty() -> onnx.ModelProto:
    nodes = [node("Slice", "x zero zero", "s"), node("Concat", "s x", "y", axis=0)]
    return model(nodes, [value("x", MAP)], [value("y", MAP)], {"zero": np.array([0])})


INSIDE = {
    "RKM080": inner_sequence,
    "RKM081": inner_bfloat16,
    "RKM082": inner_empty,
    "RKM083": nonzero,
    "RKM084": no_input,
}


@pytest.mark.parametrize("code", INSIDE)
def test_found_in_the_graph(code, tmp_path):
    proto = INSIDE[code]()
    (finding,) = findings(code, proto, tmp_path)
    assert not get_rule(code).mends(loaded(proto, tmp_path), RK3588, finding)


@pytest.mark.parametrize("code", INSIDE)
def test_not_found_in_what_the_toolkit_can_convert(code, tmp_path):
    assert not findings(code, model([node("Relu", "x", "y")], [value("x", MAP)], [value("y", MAP)]), tmp_path)


@pytest.mark.toolkit
@pytest.mark.parametrize("code", ["RKM080", "RKM083", "RKM084"])
def test_trial(code, bench, tmp_path):
    proto = INSIDE[code]()
    verdict = bench.verdict(loaded(proto, tmp_path), proto)
    assert not verdict.converted
    assert get_rule(code).recognises(verdict)
