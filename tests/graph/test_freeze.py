"""A frozen model has the shapes that ONNX Runtime finds when it runs."""

from __future__ import annotations

import csv
import json

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from graphs import model, node, run, value
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from dags import dags, feeds, with_all_values
from rkmend.errors import InputError
from rkmend.graph import TensorSpec, freeze, infer, load, shapes_of
from rkmend.verification.runner import run_model
from rkmend.verification.samples import make_samples


def frozen(proto: onnx.ModelProto, folder, **shapes):
    path = folder / "m.onnx"
    path.write_bytes(proto.SerializeToString())
    return freeze(load(path), shapes)


@settings(max_examples=60, deadline=None)
@given(dags(batch="N"), st.integers(1, 3), st.integers(0, 99))
def test_every_value_has_the_shape_it_has_when_run(tmp_path_factory, proto, batch, seed):
    shapes = shapes_of(frozen(proto, tmp_path_factory.mktemp("freeze"), x=(batch, 4, 3)).ir)
    for name, array in run(with_all_values(proto), feeds(seed, batch)).items():
        assert shapes[name] == (array.dtype.name, array.shape)


def test_the_model_is_left_as_it_is(tmp_path):
    path = tmp_path / "m.onnx"
    onnx.save(model([node("Relu", "x", "y")], [value("x", ("N", 4))], [value("y", ("N", 4))]), path)
    given_model = load(path)
    result = freeze(given_model, {"x": (2, 4)})
    assert result.inputs == (TensorSpec("x", "float32", (2, 4)),)
    assert result.outputs == (TensorSpec("y", "float32", (2, 4)),)
    assert (result.path, result.sha256) == (path, given_model.sha256)
    assert given_model.inputs[0].shape == ("N", 4)
    assert str(given_model.ir.graph.inputs[0].shape) == "[N,4]"


def test_a_contradiction_is_refused(tmp_path):
    proto = model([node("Relu", "x", "y")], [value("x", ("N", 4))], [value("y", None)])
    with pytest.raises(InputError, match="is fixed in the model"):
        frozen(proto, tmp_path, x=(2, 5))


def test_shapes_left_over_from_tracing_are_forgotten(tmp_path):
    """The exporter ran the model with a batch of 7 and wrote that down for the values in between and the output."""
    proto = model(
        [node("Relu", "x", "a"), node("Neg", "a", "y")], [value("x", ("N", 4))], [value("y", (7, 4))]
    )
    proto.graph.value_info.append(value("a", (7, 4)))
    result = frozen(proto, tmp_path, x=(2, 4))
    assert shapes_of(result.ir)["a"] == ("float32", (2, 4))
    assert result.outputs[0].shape == (2, 4)


def test_annotations_of_operators_without_a_definition_stay(tmp_path):
    call = helper.make_node("Attention", ["x", "w", "b"], ["a"], domain="com.microsoft", num_heads=1)
    proto = model([call, node("Relu", "a", "y")], [value("x", ("N", 2, 4))], [value("y", ("N", 2, 4))],
                  {"w": np.zeros((4, 12), np.float32), "b": np.zeros(12, np.float32)},
                  opsets=[helper.make_opsetid("com.microsoft", 1)])  # fmt: skip
    proto.graph.value_info.append(value("a", ("N", 2, 4)))
    assert shapes_of(frozen(proto, tmp_path, x=(3, 2, 4)).ir)["y"] == ("float32", (3, 2, 4))


def test_shapes_that_depend_on_the_data_stay_unknown(tmp_path):
    proto = model(
        [node("NonZero", "x", "n")], [value("x", ("N",))], [value("n", (1, "K"), TensorProto.INT64)]
    )
    assert frozen(proto, tmp_path, x=(5,)).outputs[0].shape[0] == 1


def inferred(proto: onnx.ModelProto) -> dict:
    loaded = ir.from_proto(proto)
    infer(loaded)
    return shapes_of(loaded)


def test_a_loop_and_what_comes_after_it():
    steps = [
        node("Add", "state x", "next", "step"),
        node("Identity", "next", "row", "row"),
        node("Identity", "c", "d"),
    ]
    body = helper.make_graph(
        steps,
        "body",
        [value("i", (), TensorProto.INT64), value("c", (), TensorProto.BOOL), value("state", (2, 3))],
        [value("d", (), TensorProto.BOOL), value("next", (2, 3)), value("row", (2, 3))],
    )
    proto = model(
        [node("Loop", "trips go x", "last rows", "loop", body=body), node("Relu", "rows", "y", "relu")],
        [value("x", (2, 3))],
        [value("y", None), value("last", None)],
        {"trips": np.array(4), "go": np.array(True)},
    )
    assert inferred(proto)["y"] == ("float32", (None, 2, 3))


def test_through_a_function_of_the_model():
    function = helper.make_function("own", "Twice", ["a"], ["b"], [node("Concat", "a a", "b", axis=0)],
                                    [helper.make_opsetid("", 17)])  # fmt: skip
    proto = model([helper.make_node("Twice", ["x"], ["t"], domain="own"), node("Relu", "t", "y")], [value("x", (2, 3))],
                  [value("y", None)], opsets=[helper.make_opsetid("own", 1)], functions=[function])  # fmt: skip
    assert inferred(proto)["y"] == ("float32", (4, 3))


def branches(condition: bool | None) -> onnx.ModelProto:
    then = helper.make_graph([node("Concat", "x x", "t", axis=0)], "then", [], [value("t", None)])
    other = helper.make_graph([node("Relu", "x", "e")], "else", [], [value("e", None)])
    inputs = [value("x", (2, 3))] + ([value("c", (), TensorProto.BOOL)] if condition is None else [])
    weights = {} if condition is None else {"c": np.array(condition)}
    return model(
        [node("If", "c", "y", then_branch=then, else_branch=other)], inputs, [value("y", None)], weights
    )


def test_the_branch_that_is_taken_decides():
    assert inferred(branches(True))["y"] == ("float32", (4, 3))
    assert inferred(branches(False))["y"] == ("float32", (2, 3))
    assert inferred(branches(None))["y"] == ("float32", (None, 3))


@pytest.mark.parametrize(
    ("operator", "shape"),
    [
        (node("ImageScaler", "x", "y", scale=2.0, bias=[0.0] * 3), (1, 3, 8, 8)),
        (node("Affine", "x", "y", alpha=2.0, beta=1.0), (1, 3, 8, 8)),
        (node("ParametricSoftplus", "x", "y", alpha=2.0, beta=1.0), (1, 3, 8, 8)),
        (node("ScaledTanh", "x", "y", alpha=2.0, beta=1.0), (1, 3, 8, 8)),
        (node("Crop", "x", "y", border=[1, 2, 3, 4]), (1, 3, 2, 4)),
        (node("Crop", "x", "y", border=[1, 2, 0, 0], scale=[5, 6]), (1, 3, 5, 6)),
    ],
)
def test_operators_that_onnx_has_dropped(operator, shape):
    proto = model([operator], [value("x", (1, 3, 8, 8))], [value("y", None)], opset=7)
    assert inferred(proto)["y"] == ("float32", shape)
    assert run(proto, {"x": np.zeros((1, 3, 8, 8), np.float32)})["y"].shape == shape


@pytest.mark.parametrize(
    ("operator", "inputs"),
    [
        (node("BiasGelu", "x bias", "y"), {"bias": (8,)}),
        (node("FastGelu", "x", "y"), {}),
        (node("FusedConv", "x w", "y", activation="Relu", pads=[1, 1, 0, 0]), {"w": (5, 3, 3, 3)}),
        (node("Gelu", "x", "y"), {}),
        (node("QuickGelu", "x", "y"), {}),
    ],
)
def test_operators_of_onnx_runtime(operator, inputs):
    operator.domain = "com.microsoft"
    weights = {name: np.zeros(shape, np.float32) for name, shape in inputs.items()}
    proto = model([operator], [value("x", (1, 3, 8, 8))], [value("y", None)], weights,
                  opsets=[helper.make_opsetid("com.microsoft", 1)])  # fmt: skip
    assert inferred(proto)["y"] == (
        "float32",
        run(proto, {"x": np.zeros((1, 3, 8, 8), np.float32)})["y"].shape,
    )


def test_an_operator_that_is_used_wrongly_stops_only_itself():
    nodes = [node("MatMul", "x x", "bad"), node("Relu", "x", "good"), node("Relu", "bad", "after")]
    shapes = inferred(model(nodes, [value("x", (2, 3))], [value("good", None), value("after", None)]))
    assert shapes["good"] == ("float32", (2, 3))
    assert shapes.get("bad", (None, ("...",)))[1] == ("...",)


def test_random_operators_are_not_computed():
    nodes = [
        node("ConstantOfShape", "s", "zeros"),
        node("RandomNormalLike", "zeros", "r"),
        node("Add", "x r", "y"),
    ]
    loaded = ir.from_proto(model(nodes, [value("x", (2,))], [value("y", (2,))], {"s": np.array([2])}))
    infer(loaded)
    assert loaded.graph[0].outputs[0].const_value is not None
    assert loaded.graph[1].outputs[0].const_value is None


@pytest.mark.slow
def test_real_networks(models, tmp_path):
    """Every network in the folder is read, frozen with the listed shapes and run; the inferred shapes come out."""
    with (models / "index.tsv").open() as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert rows
    for row in rows:
        shapes = {name: tuple(sizes) for name, sizes in json.loads(row["static_shapes"] or "{}").items()}
        result = freeze(load(models / f"{row['name']}.onnx"), shapes)
        folder = tmp_path / row["name"]
        folder.mkdir()
        outcome = run_model(result.path, make_samples(result.inputs, folder)[:1], folder / "out")
        assert [spec.shape for spec in outcome.output_specs] == [spec.shape for spec in result.outputs], row[
            "name"
        ]
