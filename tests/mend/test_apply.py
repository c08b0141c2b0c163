from __future__ import annotations

import onnx
import onnx_ir as ir
import pytest
from conv_cases import NODE, Case

from rkmend.mend.apply import apply, provenance
from rkmend.rules import CannotApply, Exactness, Mend, get_rule
from rkmend.targets import load_target


def mends(model: ir.Model, number: int = 0):
    rule, target = get_rule("RKM101"), load_target("rk3588")
    finding = list(rule.find(model, target))[number]
    return {mend.name: mend for mend in rule.mends(model, target, finding)}


def test_the_original_is_left_as_it_is():
    model = Case(consumers=("Relu",)).model()
    before = ir.to_proto(model).SerializeToString()
    apply(model, mends(model)["border-rows"])
    assert ir.to_proto(model).SerializeToString() == before


def test_tensors_are_shared_with_the_original():
    model = Case().model()
    mended = apply(model, mends(model)["output-padding"])
    assert mended.graph.initializers["w"].const_value is model.graph.initializers["w"].const_value


def test_shapes_are_inferred():
    model = Case().model()
    mended = apply(model, mends(model)["output-padding"])
    shapes = [node.outputs[0].shape.numpy() for node in mended.graph]
    assert shapes == [(1, 4, 5, 6), (1, 4, 7, 8), (1, 4, 7, 8)]


def test_provenance_of_two_mends_in_one_model():
    proto = Case(consumers=("Relu",)).proto()
    weight = onnx.numpy_helper.to_array(proto.graph.initializer[0])[:, [0, 1, 2, 0]]
    proto.graph.initializer.append(onnx.numpy_helper.from_array(weight, "w2"))
    pads = {"pads": [0, 0, 2, 0]}
    proto.graph.node.append(onnx.helper.make_node("Conv", ["z0", "w2"], ["end"], name="second", **pads))
    proto.graph.output.append(onnx.helper.make_tensor_value_info("end", 1, None))
    model = ir.from_proto(onnx.shape_inference.infer_shapes(proto))
    once = apply(model, mends(model)["border-rows"])
    twice = apply(once, mends(once)["kernel-embedding"])
    assert provenance(model) == {}
    assert provenance(twice) == {
        f"{NODE}/rkmend/conv": ("RKM101", "border-rows", NODE),
        f"{NODE}/rkmend/columns": ("RKM101", "border-rows", NODE),
        f"{NODE}/rkmend/rows": ("RKM101", "border-rows", NODE),
        "second/rkmend/conv": ("RKM101", "kernel-embedding", "second"),
    }
    saved = ir.from_proto(ir.to_proto(twice))
    assert provenance(saved) == provenance(twice)


def test_a_mend_of_another_model_does_not_fit():
    model = Case().model()
    mend = mends(model)["border-rows"]
    with pytest.raises(CannotApply, match="is not a 2-D Conv"):
        apply(apply(model, mend), mend)


def test_an_invalid_graph_is_refused():
    def drop_the_axis(model: ir.Model) -> None:
        mends(model)["border-rows"].rewrite(model)
        concat = next(node for node in model.graph if node.op_type == "Concat")
        del concat.attributes["axis"]

    mend = Mend("broken", "", Exactness.EXACT, rewrite=drop_the_axis)
    with pytest.raises(CannotApply, match="not a valid graph"):
        apply(Case().model(), mend)


def test_a_build_option_leaves_the_graph():
    mend = Mend("option", "", Exactness.EXACT, options=lambda old: old)
    model = Case().model()
    assert apply(model, mend) is model
