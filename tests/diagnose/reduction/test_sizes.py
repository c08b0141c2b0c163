"""Sizes: what shrinks together, and that nothing is left behind."""

from __future__ import annotations

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from graphs import model, node, value

from rkmend.diagnose.reduction.change import CannotChange
from rkmend.diagnose.reduction.sizes import sizes
from rkmend.graph import validated


def shrunk(proto, element: str, number: int = 1) -> dict[str, list[int]]:
    """The shapes of inputs and initializers after one element was set to a number; the model is valid."""
    made = validated(ir.from_proto(proto))
    scale = next(step for step in sizes(made) if step.element == element)
    after = validated(scale.apply(made, number))
    return {
        str(one.name): list(one.shape.numpy())
        for one in (*after.graph.inputs, *after.graph.initializers.values())
    }


def zeros(*shape: int) -> np.ndarray:
    return np.zeros(shape, np.float32)


def residual() -> onnx.ModelProto:
    """Conv with padding, added to its input, and a second input that meets it after a strided Conv."""
    nodes = [
        node("Conv", "x w", "a", "a", pads=[1] * 4),
        node("Add", "a x", "s", "s"),
        node("Conv", "s v", "d", "d", strides=[2, 2]),
        node("Mul", "d z", "y", "m"),
    ]
    inputs = [value("x", [1, 6, 9, 7]), value("z", [1, 4, 5, 4])]
    return model(nodes, inputs, [value("y", None)], {"w": zeros(6, 6, 3, 3), "v": zeros(4, 6, 1, 1)})


def test_what_is_added_shrinks_together_through_windows_and_back():
    assert shrunk(residual(), "axis 2 of 'x'", 5) == {
        "x": [1, 6, 5, 7], "z": [1, 4, 3, 4], "w": [6, 6, 3, 3], "v": [4, 6, 1, 1],
    }  # fmt: skip
    assert shrunk(residual(), "axis 1 of 'x'") == {
        "x": [1, 1, 9, 7],
        "z": [1, 4, 5, 4],
        "w": [1, 1, 3, 3],
        "v": [4, 1, 1, 1],
    }
    assert shrunk(residual(), "axis 1 of 'z'")["v"] == [1, 6, 1, 1]


def test_a_kernel_shrinks_with_its_padding_where_the_output_has_to_keep_its_size():
    assert shrunk(residual(), "kernel and padding of 'a' on axis 2")["w"] == [6, 6, 1, 3]


@pytest.mark.parametrize("kind", ["Conv", "ConvTranspose"])
def test_groups_shrink_by_their_number_or_by_their_channels(kind):
    weight = zeros(8, 3, 1, 1) if kind == "Conv" else zeros(12, 2, 1, 1)
    conv = node(kind, "x w b", "y", "c", group=4)
    proto = model([conv], [value("x", [1, 12, 5, 6])], [value("y", None)], {"w": weight, "b": zeros(8)})
    by_groups = shrunk(proto, "axis 1 of 'x' by groups")
    by_channels = shrunk(proto, "axis 1 of 'x'")
    assert by_groups["x"] == [1, 3, 5, 6] and by_groups["b"] == [2]
    assert by_channels["x"] == [1, 4, 5, 6] and by_channels["b"] == [8]


def test_a_depthwise_conv_stays_depthwise():
    conv = node("Conv", "x w", "y", "c", group=8)
    proto = model([conv], [value("x", [1, 8, 5, 6])], [value("y", None)], {"w": zeros(8, 1, 3, 3)})
    assert shrunk(proto, "axis 1 of 'x'", 3) == {"x": [1, 3, 5, 6], "w": [3, 1, 3, 3]}


def test_the_gates_of_an_lstm_shrink_with_its_states():
    weights = {"W": zeros(1, 20, 3), "R": zeros(1, 20, 5), "B": zeros(1, 40)}
    lstm = node("LSTM", "x W R B", "y", "l", hidden_size=5)
    proto = model([lstm], [value("x", [7, 2, 3])], [value("y", None)], weights)
    assert shrunk(proto, "axis 2 of 'x'") == {"x": [7, 2, 1], "W": [1, 20, 1], "R": [1, 20, 5], "B": [1, 40]}
    assert shrunk(proto, "axis 1 of 'B'") == {"x": [7, 2, 3], "W": [1, 4, 3], "R": [1, 4, 1], "B": [1, 8]}


def test_a_target_shape_follows():
    weights = {"shape": np.array([2, 3, 20]), "w": zeros(20, 6)}
    nodes = [node("Reshape", "x shape", "r", "r"), node("MatMul", "r w", "y", "m")]
    proto = model(nodes, [value("x", [6, 4, 5])], [value("y", None)], weights)
    assert shrunk(proto, "axis 1 of 'x'", 2) == {"x": [6, 2, 5], "shape": [3], "w": [10, 6]}
    assert shrunk(proto, "entry 1 of 'shape'") == {"x": [2, 4, 5], "shape": [3], "w": [20, 6]}


def test_a_concatenation_shrinks_by_one_of_its_parts():
    nodes = [node("Concat", "x z", "c", "c", axis=1), node("MatMul", "c w", "y", "m")]
    proto = model(nodes, [value("x", [2, 5]), value("z", [2, 3])], [value("y", None)], {"w": zeros(8, 4)})
    assert shrunk(proto, "axis 1 of 'x'") == {"x": [2, 1], "z": [2, 3], "w": [4, 4]}


def test_an_operator_of_unknown_ties_shrinks_with_all_equal_sizes():
    inputs = [value("x", [2, 5], onnx.TensorProto.UINT8), value("z", [5, 3], onnx.TensorProto.UINT8)]
    proto = model(
        [node("MatMulInteger", "x z", "y", "m")], inputs, [value("y", None, onnx.TensorProto.INT32)]
    )
    assert shrunk(proto, "every size equal to axis 1 of 'x'") == {"x": [2, 1], "z": [1, 3]}


def test_a_size_that_fits_no_whole_number_is_refused():
    nodes = [node("MatMul", "x w", "m", "m"), node("Reshape", "m shape", "y", "r")]
    weights = {"w": zeros(5, 12), "shape": np.array([2, 3, 4])}
    proto = model(nodes, [value("x", [2, 5])], [value("y", None)], weights)
    assert shrunk(proto, "axis 1 of 'w'", 8)["w"] == [5, 8]
    with pytest.raises(CannotChange, match="multiple"):
        shrunk(proto, "axis 1 of 'w'", 7)
