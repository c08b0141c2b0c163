"""Inputs that become constants."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from graphs import model, node, run, value

from rkmend.errors import InputError
from rkmend.graph import freeze, load, parse_constant_options, specialise


def resample(shape=()) -> onnx.ModelProto:
    """x / rate, with the rate an input, as voice models have it."""
    nodes = [node("Cast", "rate", "r", "cast", to=1), node("Div", "x r", "y", "div")]
    inputs = [value("x", [1, 4]), value("rate", shape, onnx.TensorProto.INT64)]
    return model(nodes, inputs, [value("y", [1, 4])])


def specialised(proto: onnx.ModelProto, folder, **constants):
    onnx.save(proto, folder / "m.onnx")
    return freeze(
        specialise(
            load(folder / "m.onnx"), {name: np.asarray(x) for name, x in constants.items()}, folder / "s.onnx"
        ),
        {},
    )


def test_the_input_is_gone_and_its_value_used(tmp_path):
    made = specialised(resample(), tmp_path, rate=4)
    x = np.array([[1, 2, 3, 4]], np.float32)
    assert [spec.name for spec in made.inputs] == ["x"]
    np.testing.assert_array_equal(run(onnx.load(made.path), {"x": x})["y"], x / 4)


@pytest.mark.parametrize("declared", [[4], ["n"], [1, 4]])
def test_a_list_takes_the_shape_of_the_input(declared, tmp_path):
    made = specialised(resample(declared), tmp_path, rate=[1, 2, 4, 8])
    assert made.ir.graph.initializers["rate"].const_value.shape.numpy() == (
        (1, 4) if declared == [1, 4] else (4,)
    )


def test_one_number_fills_a_static_shape(tmp_path):
    made = specialised(resample([1, 4]), tmp_path, rate=2)
    np.testing.assert_array_equal(made.ir.graph.initializers["rate"].const_value.numpy(), [[2, 2, 2, 2]])


@pytest.mark.parametrize(
    ("constants", "complaint"),
    [
        ({"rates": 4}, "no input 'rates'; did you mean 'rate'"),
        ({"rate": 0.5}, "does not fit input rate"),
        ({"rate": [1, 2]}, "has 2 elements"),
    ],
)
def test_what_does_not_fit_is_refused(constants, complaint, tmp_path):
    with pytest.raises(InputError, match=complaint):
        specialised(resample(), tmp_path, **constants)


def test_options_are_read(tmp_path):
    np.save(tmp_path / "k.npy", np.array([1, 2]))
    read = parse_constant_options(["sr=16000", "half=0.5,1", "on=true", f"k={tmp_path / 'k.npy'}", "a=b=3"])
    assert {name: array.tolist() for name, array in read.items()} == {
        "sr": 16000, "half": [0.5, 1.0], "on": 1, "k": [1, 2], "a=b": 3,
    }  # fmt: skip


@pytest.mark.parametrize("text", ["sr", "=3", "sr=", "sr=many", "k=nowhere.npy"])
def test_options_that_cannot_be_read(text):
    with pytest.raises(InputError, match="constant"):
        parse_constant_options([text])


def test_one_input_twice():
    with pytest.raises(InputError, match="two constants"):
        parse_constant_options(["k=1", "k=2"])
