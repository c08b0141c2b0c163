"""What is told of the nodes that are left."""

from __future__ import annotations

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from graphs import model, node, value
from onnx import TensorProto, numpy_helper

from rkmend.diagnose.reduction.change import Change
from rkmend.diagnose.reduction.facts import node_facts, originals
from rkmend.graph import validated


def test_a_conv():
    made = node("Conv", "x w", "y", "conv", kernel_shape=[1, 1], pads=[0, 0, 1, 0], group=1)
    proto = model(
        [made], [value("x", [1, 2, 3, 4])], [value("y", None)], {"w": np.ones((5, 2, 1, 1), np.float32)}
    )
    (facts,) = node_facts(validated(ir.from_proto(proto)), {"conv": "/features/0/conv"})
    assert (facts.name, facts.operator, facts.original) == ("conv", "Conv", "/features/0/conv")
    assert facts.inputs == ("float32 [1, 2, 3, 4]", "float32 [5, 2, 1, 1]")
    assert facts.outputs == ("float32 [1, 5, 4, 4]",)
    assert facts.attributes == {"kernel_shape": "[1, 1]", "pads": "[0, 0, 1, 0]", "group": "1"}


def test_inputs_that_are_left_out_and_bodies_and_tensors():
    clip = onnx.helper.make_node("Clip", ["x", "", "high"], ["t"], name="clip")
    then = onnx.helper.make_graph([clip], "then", [], [value("t", None)])
    tensor = numpy_helper.from_array(np.zeros((2, 3), np.int64))
    other = onnx.helper.make_graph([node("Relu", "x", "e", "relu")], "else", [], [value("e", None)])
    nodes = [
        node("Constant", "", "high", "constant", value=numpy_helper.from_array(np.float32(6))),
        node("Constant", "", "big", "big", value=tensor),
        node("If", "c", "y", "if", then_branch=then, else_branch=other),
    ]
    inputs = [value("x", [4]), value("c", [], TensorProto.BOOL)]
    proto = model(nodes, inputs, [value("y", [4]), value("big", [2, 3], TensorProto.INT64)])
    facts = {one.name: one for one in node_facts(ir.from_proto(proto), {})}
    assert facts["clip"].inputs[1] == "-"
    assert facts["if"].attributes == {"then_branch": "subgraph", "else_branch": "subgraph"}
    assert facts["big"].attributes == {"value": "tensor int64 [2, 3]"}
    assert facts["relu"].original == "relu"


@pytest.mark.parametrize("dtype", [kind for kind in ir.DataType if kind != ir.DataType.UNDEFINED])
def test_every_dtype_has_a_name(dtype):
    x = ir.Value(name="x", type=ir.TensorType(dtype), shape=ir.Shape([2]))
    made = ir.node("Identity", [x], name="same")
    graph = ir.Graph([x], made.outputs, nodes=[made], opset_imports={"": 21})
    (facts,) = node_facts(ir.Model(graph, ir_version=10), {})
    assert facts.inputs[0].endswith(" [2]") and facts.inputs[0].split()[0].isidentifier()
    assert facts.outputs == ("unknown [...]",)


def test_names_are_followed_through_changes_of_names():
    def named(*names: str) -> ir.Model:
        edges = ["x", *(f"v{number}" for number in range(len(names)))]
        nodes = [node("Relu", edges[at], edges[at + 1], name) for at, name in enumerate(names)]
        return ir.from_proto(model(nodes, [value("x", [1])], [value(edges[-1], [1])]))

    renaming = Change("names", "short plain ones", lambda same: same)
    removal = Change("node 'a'", "removed", lambda same: same)
    known = originals(named("/a/Relu", "/b/Relu"), named("a", "b"), {}, renaming)
    assert known == {"a": "/a/Relu", "b": "/b/Relu"}
    assert originals(named("a", "b"), named("b"), known, removal) == known
    assert originals(named("b"), named("relu"), known, renaming) == {"relu": "/b/Relu"}
