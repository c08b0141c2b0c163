"""Declarations: dtypes, versions and remarks."""

from __future__ import annotations

import numpy as np
import onnx
import onnx_ir as ir
from conv_cases import Case
from graphs import model, node, value

from rkmend.diagnose.reduction.change import Scale
from rkmend.diagnose.reduction.declarations import dtypes, remarks, versions
from rkmend.graph import validated


def test_half_precision_becomes_single_everywhere():
    tensor = onnx.numpy_helper.from_array(np.ones(3, np.float16))
    half = onnx.TensorProto.FLOAT16
    nodes = [
        node("Cast", "i", "c", "c", to=half),
        node("Constant", "", "k", "k", value=tensor),
        node("Mul", "c k", "m", "m"),
        node("Add", "m w", "y", "a"),
    ]
    proto = model(
        nodes,
        [value("i", [2, 3], onnx.TensorProto.INT64)],
        [value("y", None, half)],
        {"w": np.ones(3, np.float16)},
    )
    made = validated(ir.from_proto(proto))
    wide, narrow = dtypes(made)
    after = validated(wide.apply(made))
    assert after.graph.outputs[0].dtype == ir.DataType.FLOAT and len(list(dtypes(after))) == 1
    assert validated(narrow.apply(made)).graph.inputs[0].dtype == ir.DataType.INT32


def test_versions_go_towards_the_usual_ones_from_either_side():
    newer, older = (validated(Case(opset=opset).model()) for opset in (17, 9))
    (scale,) = versions(newer)
    assert isinstance(scale, Scale) and (scale.current, scale.smallest) == (17, 12)
    assert validated(scale.apply(newer, 13)).opset_imports[""] == 13
    assert [step.what for step in versions(older)] == ["9 -> 12", "9 -> 10"]
    assert not list(versions(validated(Case(opset=12).model())))


def test_initializers_are_no_longer_listed_as_inputs():
    made = validated(Case(opset=12, weights="input").model())
    (change,) = versions(made)
    after = validated(change.apply(made))
    assert (
        after.ir_version == 8
        and [one.name for one in after.graph.inputs] == ["x"]
        and not list(versions(after))
    )


def test_remarks_and_unused_operator_sets_go():
    proto = Case().proto()
    proto.producer_name, proto.graph.node[0].doc_string = "exporter", "see file"
    proto.opset_import.add(domain="com.microsoft", version=1)
    made = validated(ir.from_proto(proto))
    for _ in range(2):
        made = validated(next(iter(remarks(made))).apply(made))
    assert not list(remarks(made)) and not made.producer_name and set(made.opset_imports) == {""}
