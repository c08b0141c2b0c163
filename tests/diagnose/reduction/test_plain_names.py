"""Names: plain, told apart, and swapped without harm to other models that share the tensors."""

from __future__ import annotations

import onnx_ir as ir
from graphs import model, node, run, value
from hypothesis import given, settings

from dags import dags, feeds
from rkmend.diagnose.reduction.plain_names import plain_names
from rkmend.graph import validated


def test_names_say_what_a_thing_is():
    nodes = [node("Relu", "y", "w", "q"), node("Relu", "w", "x", "relu"), node("Neg", "x", "b", "relu_2")]
    made = validated(ir.from_proto(model(nodes, [value("y", [2])], [value("b", None)])))
    (change,) = plain_names(made)
    after = validated(change.apply(made))
    assert [one.name for one in after.graph] == ["relu", "relu_2", "neg"]
    assert [one.outputs[0].name for one in after.graph] == ["v", "v_2", "y"] and after.graph.inputs[
        0
    ].name == "x"
    assert not list(plain_names(after))


@settings(max_examples=15, deadline=None)
@given(dags())
def test_the_renamed_model_computes_the_same_and_the_other_still_does(proto):
    made = validated(ir.from_proto(proto))
    before = run(ir.to_proto(made), {name: array for name, array in feeds(0).items() if name in inputs(made)})
    for change in plain_names(made):
        after = validated(change.apply(made))
        names = dict(zip(inputs(after), inputs(made), strict=True))
        renamed = run(ir.to_proto(after), {new: feeds(0)[old] for new, old in names.items()})
        again = run(
            ir.to_proto(made), {name: array for name, array in feeds(0).items() if name in inputs(made)}
        )
        for one, other, third in zip(before.values(), renamed.values(), again.values(), strict=True):
            assert (one == other).all() and (one == third).all()  # the same operators in the same order


def inputs(made: ir.Model) -> list[str]:
    return [str(one.name) for one in made.graph.inputs]
