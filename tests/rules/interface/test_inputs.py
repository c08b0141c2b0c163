"""Inputs that the toolkit does not take: rank 0, small and unsigned integers, float64, those of dead operators."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from graphs import model, node, value
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto

from rkmend.mend.apply import apply
from rkmend.mend.interface import changes, inputs_of, outputs_of
from rule_bench import check_rewrite, findings, loaded, only_finding, rewrite_and_trial

MAP = [1, 4, 8, 8]


def gain() -> onnx.ModelProto:
    return model([node("Mul", "x k", "y", "mul")], [value("x", MAP), value("k", [])], [value("y", MAP)])


def scalar_chain() -> onnx.ModelProto:
    """Operators that tell one element from a scalar: Unsqueeze, Clip, Gather."""
    nodes = [
        node("Exp", "k", "e", "exp"),
        node("Unsqueeze", "e axes", "u", "up"),
        node("Clip", "x e", "c", "clip"),
        node("Gather", "c i", "g", "pick", axis=1),
        node("Mul", "g u", "y", "mul"),
    ]
    inputs = [value("x", MAP), value("k", []), value("i", [], TensorProto.INT64)]
    return model(nodes, inputs, [value("y", [1, 8, 8])], {"axes": np.array([0, 1])})


def image(dtype: int = TensorProto.UINT8, to: int = TensorProto.FLOAT) -> onnx.ModelProto:
    nodes = [node("Cast", "x", "c", "cast", to=to), node("Relu", "c", "y", "relu")]
    return model(nodes, [value("x", MAP, dtype)], [value("y", MAP, to)])


def scaler() -> onnx.ModelProto:
    """Of the kind that scikit-learn's converter writes."""
    nodes = [
        node("Sub", "x mean", "s", "sub"),
        node("Div", "s scale", "d", "div"),
        node("Cast", "d", "y", "cast", to=TensorProto.FLOAT),
    ]
    weights = {"mean": np.full((1, 4, 1, 1), 0.5), "scale": np.full((1, 4, 1, 1), 2.0)}
    return model(nodes, [value("x", MAP, TensorProto.DOUBLE)], [value("y", MAP)], weights)


def dead() -> onnx.ModelProto:
    nodes = [node("Relu", "x", "y", "relu"), node("Abs", "u", "unread", "abs")]
    return model(nodes, [value("x", MAP), value("u", MAP)], [value("y", MAP)])


CASES = {"RKM050": gain, "RKM051": image, "RKM055": dead, "RKM056": scaler}


test_rewrite, test_trial = rewrite_and_trial({code: (code, make()) for code, make in CASES.items()})


def test_a_scalar_is_followed_through_the_graph(tmp_path):
    proto = scalar_chain()
    after = check_rewrite("RKM050", proto, tmp_path)
    before = loaded(proto, tmp_path)
    found = changes(inputs_of(before), outputs_of(before), after)
    assert [(change.given.name, change.now.shape) for change in found] == [("k", (1,)), ("i", (1,))]


@pytest.mark.parametrize("to", [TensorProto.FLOAT, TensorProto.FLOAT16])
@pytest.mark.parametrize("dtype", ["INT8", "INT16", "UINT8", "UINT16", "UINT32", "UINT64"])
def test_an_integer_input_becomes_the_float_that_it_is_cast_to(dtype, to, tmp_path):
    before = loaded(image(getattr(TensorProto, dtype), to), tmp_path)
    after = apply(before, only_finding("RKM051", before)[1])
    assert int(after.graph.inputs[0].dtype) == to
    assert [one.op_type for one in after.graph] == ["Relu"]


def test_inputs_that_the_toolkit_takes_are_let_alone(tmp_path):
    assert not findings(
        "RKM050", model([node("Relu", "x", "y")], [value("x", [1])], [value("y", [1])]), tmp_path
    )
    assert not findings("RKM051", image(TensorProto.INT32), tmp_path)
    assert not findings("RKM056", image(), tmp_path)
    unread = model([node("Relu", "x", "y")], [value("x", MAP), value("u", MAP)], [value("y", MAP)])
    assert not findings("RKM055", unread, tmp_path)


UNARY = ("Relu", "Exp", "Neg", "Sigmoid", "Identity")


@given(st.lists(st.sampled_from(UNARY), max_size=3), st.sampled_from(["Add", "Mul", "Max"]), st.booleans())
@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_chain_of_scalars_computes_the_same(tmp_path, chain, joined, alone):
    names = ["k", *(f"v{number}" for number in range(len(chain)))]
    nodes = [node(kind, names[n], names[n + 1], f"n{n}") for n, kind in enumerate(chain)]
    shape = [] if alone else [2, 3]
    nodes.append(node(joined, f"x {names[-1]}", "y", "join"))
    proto = model(nodes, [value("x", shape), value("k", [])], [value("y", shape)])
    after = check_rewrite("RKM050", proto, tmp_path, drawn=True)
    onnx.save(onnx_of(after), tmp_path / "after.onnx")
    feed = {"x": np.full(shape, 0.25, np.float32), "k": np.array(-1.5, np.float32)}
    (before_y,) = ort.InferenceSession(proto.SerializeToString()).run(None, feed)
    fitted = {spec.name: feed[spec.name].reshape(spec.sizes) for spec in inputs_of(after)}
    (after_y,) = ort.InferenceSession(tmp_path / "after.onnx").run(None, fitted)
    # The same operators on the same numbers.
    assert np.array_equal(before_y.ravel(), after_y.ravel())


def onnx_of(changed) -> onnx.ModelProto:
    import onnx_ir as ir

    return ir.to_proto(changed)
