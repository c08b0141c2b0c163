"""Two models agree or differ, and rkmend says where."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from graphs import linear, model, node, relu, value
from onnx import TensorProto, numpy_helper

from rkmend.errors import InputError
from rkmend.graph import export, freeze, load
from rkmend.verification import Engine, verify
from rkmend.verification.runner import REFERENCE


def saved(proto: onnx.ModelProto, folder: Path, name: str) -> Path:
    onnx.save(proto, folder / name)
    return folder / name


def weights_times(path: Path, factor: float, to: Path) -> Path:
    proto = onnx.load(path)
    array = numpy_helper.to_array(proto.graph.initializer[0]) * np.float32(factor)
    proto.graph.initializer[0].CopyFrom(numpy_helper.from_array(array, "w"))
    onnx.save(proto, to)
    return to


def test_a_model_agrees_with_itself(tmp_path):
    path = linear(tmp_path / "m.onnx")
    found = verify(path, str(path))
    assert found.ok
    assert found.samples == ("normal", "ramp", "zeros", "ones")
    assert [check.found.max_abs for check in found.checks] == [0, 0, 0, 0]
    assert found.a.sha256 == found.b.sha256 == load(path).sha256
    assert not found.notes


def test_a_second_opinion(tmp_path):
    path = linear(tmp_path / "m.onnx", rows=300)
    found = verify(path, path, engine=Engine(REFERENCE))
    assert found.ok
    assert "ONNX Runtime" in found.a.engine
    assert "reference evaluator" in found.b.engine


def test_the_evaluator_is_no_judge_of_old_models(tmp_path):
    proto = model(
        [node("Softmax", "x", "y")], [value("x", (1, 4, 1, 1))], [value("y", (1, 4, 1, 1))], opset=11
    )
    path = saved(proto, tmp_path, "m.onnx")
    assert "opset 11" in verify(path, path, engine=Engine(REFERENCE)).notes[0]


@pytest.mark.parametrize(("factor", "ok"), [(1 + 2e-5, True), (1.01, False), (-1.0, False)])
def test_a_change_of_the_weights(tmp_path, factor, ok):
    path = linear(tmp_path / "a.onnx")
    found = verify(path, weights_times(path, factor, tmp_path / "b.onnx"))
    assert found.ok is ok
    zeros = next(check for check in found.checks if check.found.sample == "zeros")
    assert zeros.ok  # the bias alone comes out; that is why there is more than one sample


def test_limits_of_the_users(tmp_path):
    path = linear(tmp_path / "a.onnx")
    other = weights_times(path, 1.01, tmp_path / "b.onnx")
    assert verify(path, other, max_rel=0.1).ok
    assert not verify(path, other, max_rel=1e-3).ok
    assert not verify(path, other, max_rel=0.1, cosine=1.0).ok


def two(
    first: str, second: str, *, inputs=("a", "b"), outputs=("p", "q"), dtype=TensorProto.FLOAT
) -> onnx.ModelProto:
    """p = a - b, q = a * b, under whatever names and in whatever order."""
    nodes = [node("Sub", f"{first} {second}", outputs[0]), node("Mul", f"{first} {second}", outputs[1])]
    return model(nodes, [value(name, (1, 3), dtype) for name in inputs],
                 [value(name, (1, 3), dtype) for name in sorted(outputs)])  # fmt: skip


def test_inputs_and_outputs_are_matched_by_name(tmp_path):
    path = saved(two("a", "b"), tmp_path, "a.onnx")
    swapped = two("a", "b", inputs=("b", "a"))
    swapped.graph.output.reverse()
    found = verify(path, saved(swapped, tmp_path, "b.onnx"))
    assert found.ok
    assert not found.notes


def test_or_by_order_and_then_it_is_said(tmp_path):
    path = saved(two("a", "b"), tmp_path, "a.onnx")
    found = verify(path, saved(two("x", "y", inputs=("x", "y"), outputs=("r", "s")), tmp_path, "b.onnx"))
    assert found.ok
    assert "a = x, b = y" in found.notes[0]
    assert "p = r, q = s" in found.notes[1]
    wrong = two("y", "x", inputs=("x", "y"), outputs=("r", "s"))
    assert not verify(path, saved(wrong, tmp_path, "b.onnx")).ok


@pytest.mark.parametrize(
    "other",
    [
        model([node("Relu", "a", "p")], [value("a", (1, 3))], [value("p", (1, 3))]),
        model([node("Sub", "a b", "p")], [value("a", (1, 3)), value("b", (1, 3))], [value("p", (1, 3))]),
        model([node("Sub", "a b", "p"), node("Mul", "a b", "q")], [value("a", (1, 4)), value("b", (1, 4))],
              [value("p", (1, 4)), value("q", (1, 4))]),
        two("a", "b", dtype=TensorProto.DOUBLE),
    ],
)  # fmt: skip
def test_models_that_cannot_be_compared(tmp_path, other):
    path = saved(two("a", "b"), tmp_path, "a.onnx")
    with pytest.raises(InputError, match=r"the models have different (inputs|outputs)"):
        verify(path, saved(other, tmp_path, "b.onnx"))


def dynamic(*inner: onnx.NodeProto) -> onnx.ModelProto:
    return model([*inner, node("Relu", "x", "y")], [value("x", ("N", 4))], [value("y", ("N", 4))])


def test_a_dynamic_model_and_its_frozen_self(tmp_path):
    path = saved(dynamic(), tmp_path, "a.onnx")
    export(freeze(load(path), {"x": (3, 4)}).ir, tmp_path / "b.onnx")
    for pair in ((path, tmp_path / "b.onnx"), (tmp_path / "b.onnx", path)):
        found = verify(*pair)
        assert found.ok
        assert found.inputs[0].shape == (3, 4)


def test_dynamic_models_need_shapes(tmp_path):
    path = saved(dynamic(), tmp_path, "a.onnx")
    with pytest.raises(InputError, match="dynamic inputs") as error:
        verify(path, path)
    assert "--input x=1x4" in error.value.hint
    assert verify(path, path, inputs={"x": (2, 4)}).ok
    with pytest.raises(InputError, match="no input 'z'"):
        verify(path, path, inputs={"z": (2, 4)})


def test_samples_of_the_users(tmp_path):
    """A difference that only shows beyond what the generated samples reach."""
    clipped = model([node("Clip", "x low high", "y")], [value("x", (1, 4))], [value("y", (1, 4))],
                    {"low": np.float32(-50), "high": np.float32(50)})  # fmt: skip
    plain = model([node("Identity", "x", "y")], [value("x", (1, 4))], [value("y", (1, 4))])
    paths = saved(plain, tmp_path, "a.onnx"), saved(clipped, tmp_path, "b.onnx")
    assert verify(*paths).ok
    np.savez(tmp_path / "mine.npz", x=np.array([[[1, 2, 3, 4]], [[1, 2, 3, 400]]], np.float32))
    found = verify(*paths, samples=tmp_path / "mine.npz")
    assert [check.found.sample for check in found.checks if not check.ok] == ["user-1"]


def test_integers_must_be_equal(tmp_path):
    def cast(nodes: list[onnx.NodeProto]) -> onnx.ModelProto:
        return model([*nodes, node("Cast", "r", "y", to=TensorProto.INT64)], [value("x", (1, 64))],
                     [value("y", (1, 64), TensorProto.INT64)])  # fmt: skip

    paths = saved(cast([node("Floor", "x", "r")]), tmp_path, "a.onnx"), saved(cast([node("Round", "x", "r")]),
                                                                              tmp_path, "b.onnx")  # fmt: skip
    assert verify(paths[0], paths[0]).ok
    assert not verify(*paths).ok


def test_a_coarser_dtype_has_a_coarser_tolerance(tmp_path):
    half = model([node("Cast", "x", "h", to=TensorProto.FLOAT16), node("Relu", "h", "y")], [value("x", (1, 4))],
                 [value("y", (1, 4), TensorProto.FLOAT16)])  # fmt: skip
    found = verify(saved(relu(), tmp_path, "a.onnx"), saved(half, tmp_path, "b.onnx"))
    assert found.ok
    assert {check.tolerance.dtype for check in found.checks} == {"float16"}


def test_nan_in_one_of_them(tmp_path):
    root = model([node("Sqrt", "x", "y")], [value("x", (1, 4))], [value("y", (1, 4))])
    safe = model([node("Relu", "x", "r"), node("Sqrt", "r", "y")], [value("x", (1, 4))], [value("y", (1, 4))])
    found = verify(saved(root, tmp_path, "a.onnx"), saved(safe, tmp_path, "b.onnx"))
    assert not found.ok
    assert {check.found.sample for check in found.checks if not check.found.finite} == {"normal", "ramp"}


def test_shapes_that_come_out_differently(tmp_path):
    flat = model([node("Flatten", "x", "y", axis=0)], [value("x", (2, 3))], [value("y", (1, 6))])
    plain = model([node("Transpose", "x", "y", perm=[1, 0])], [value("x", (2, 3))], [value("y", (3, 2))])
    found = verify(saved(plain, tmp_path, "a.onnx"), saved(flat, tmp_path, "b.onnx"))
    assert not any(check.found.shape_ok for check in found.checks)
    assert not found.ok


@pytest.mark.slow
def test_real_networks_against_the_reference_evaluator(models):
    for name in ("dtln__dtln_1", "marabou__cifar_deep_kw", "mujoco-playground__t1_policy"):
        path = models / f"{name}.onnx"
        assert verify(path, path, engine=Engine(REFERENCE)).ok, name
