"""What a mend may do to the interface of a model, and what it may not."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir
import pytest
from graphs import model, node, value
from onnx import TensorProto

from rkmend.graph import TensorSpec, infer
from rkmend.mend.apply import apply
from rkmend.mend.interface import changes, demand_interface, inputs_of, outputs_of, unread
from rkmend.mend.prove import prove
from rkmend.mend.region import Unproved
from rkmend.rules import Exactness, Finding, Mend
from rkmend.rules.interface.left_out import leave_out

FINDING = Finding("RKM000", "test", (), {}, "")
SHAPE = [2, 3]


def two_outputs() -> ir.Model:
    nodes = [node("Add", "x x", "y", "add"), node("Neg", "x", "z", "neg")]
    proto = model(
        nodes, [value("x", SHAPE, TensorProto.INT64)], [value(n, SHAPE, TensorProto.INT64) for n in "yz"]
    )
    result = ir.from_proto(proto)
    infer(result)
    return result


def mend(change, exactness=Exactness.EXACT) -> Mend:
    return Mend(name="change", summary="", exactness=exactness, rewrite=change)


def retype(dtype: ir.DataType):
    def change(graph_model: ir.Model) -> None:
        for value_ in (*graph_model.graph.inputs, *graph_model.graph.outputs):
            value_.type = ir.TensorType(dtype)

    return change


def reshape(graph_model: ir.Model) -> None:
    for value_ in (*graph_model.graph.inputs, *graph_model.graph.outputs):
        value_.shape = ir.Shape([6])


def other_elements(graph_model: ir.Model) -> None:
    for value_ in (*graph_model.graph.inputs, *graph_model.graph.outputs):
        value_.shape = ir.Shape([2, 4])


def say_it_is_the_input(graph_model: ir.Model) -> None:
    leave_out(graph_model, "z", same_as="x")


def lose(graph_model: ir.Model) -> None:
    graph_model.graph.outputs.pop()


@pytest.mark.parametrize("change", [retype(ir.DataType.INT32), retype(ir.DataType.FLOAT), reshape])
def test_another_shape_or_dtype_is_proved_on_the_same_numbers(change, tmp_path):
    before = two_outputs()
    proof = prove(before, apply(before, mend(change)), FINDING, mend(change), tmp_path)
    assert proof.holds, proof.does_not_cover


def test_a_dtype_that_does_not_hold_the_numbers_is_not_proved(tmp_path):
    before = two_outputs()
    change = mend(retype(ir.DataType.INT8))  # 100 + 100 overflows
    proof = prove(before, apply(before, change), FINDING, change, tmp_path)
    assert not proof.holds


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (other_elements, "holds other elements"),
        (lose, "outputs of the graph are not the same"),
        (say_it_is_the_input, "differ"),
    ],
)
def test_other_changes_are_refused(change, why, tmp_path):
    before = two_outputs()
    proof = prove(before, apply(before, mend(change)), FINDING, mend(change), tmp_path)
    assert not proof.holds
    assert why in proof.does_not_cover


def test_the_report_says_what_to_feed():
    before = two_outputs()
    after = apply(before, mend(retype(ir.DataType.INT32)))
    found = changes(inputs_of(before), outputs_of(before), after)
    assert [(change.kind, change.given.name) for change in found] == [
        ("input", "x"),
        ("output", "y"),
        ("output", "z"),
    ]
    assert found[0].how == "Feed it as int32 instead of int64: the same values."
    after = apply(before, mend(reshape))
    assert (
        "in the shape [6] instead of [2, 3]" in changes(inputs_of(before), outputs_of(before), after)[0].how
    )


def test_the_same_interface_is_no_change():
    before = two_outputs()
    assert not changes(inputs_of(before), outputs_of(before), before)
    assert demand_interface(before, before) == {}
    with pytest.raises(Unproved):
        demand_interface(before, apply(before, mend(lose)))


def test_inputs_that_the_toolkit_left_out_are_named():
    specs = [TensorSpec(name, "float32", (1, 2)) for name in "ab"]
    (change,) = unread(specs, ["a"])
    assert (change.given.name, change.now) == ("b", None)


def test_large_numbers_are_compared_as_such(tmp_path):
    """In float32, 2^24 and 2^24 + 1 are the same number."""
    proto = model(
        [node("Add", "x c", "y", "add")],
        [value("x", SHAPE, TensorProto.INT64)],
        [value("y", SHAPE, TensorProto.INT64)],
        {"c": np.array(1 << 24)},
    )
    before = ir.from_proto(proto)
    infer(before)

    def change(graph_model: ir.Model) -> None:
        graph_model.graph.initializers["c"].const_value = ir.tensor(np.array((1 << 24) + 1), name="c")

    off_by_one = mend(change)
    assert not prove(before, apply(before, off_by_one), FINDING, off_by_one, tmp_path).holds
