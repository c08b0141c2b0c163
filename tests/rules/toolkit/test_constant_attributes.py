"""RKM501: constants that are written as plain attributes."""

from __future__ import annotations

import onnx
import pytest
from graphs import model, node, value

from rule_bench import check_rewrite, check_trial, findings

CODE = "RKM501"


def shrunk(*, plain: bool = True) -> onnx.ModelProto:
    """y = (x + 0.5) * [1, 2, 3, 4], reshaped by plain whole numbers."""
    half = onnx.helper.make_tensor("half", onnx.TensorProto.FLOAT, [], [0.5])
    attribute = {"value_float": 0.5} if plain else {"value": half}
    constants = [node("Constant", "", "half", "half", **attribute)]
    if plain:
        constants += [
            node("Constant", "", "factors", "factors", value_floats=[1.0, 2.0, 3.0, 4.0]),
            node("Constant", "", "shape", "shape", value_ints=[1, 2, 2]),
        ]
    nodes = [*constants, node("Add", "x half", "s" if plain else "y", "add")]
    if plain:
        nodes += [node("Mul", "s factors", "m", "mul"), node("Reshape", "m shape", "y", "reshape")]
    return model(nodes, [value("x", [1, 4])], [value("y", [1, 2, 2] if plain else [1, 4])])


def test_the_numbers_stay(tmp_path):
    after = check_rewrite(CODE, shrunk(), tmp_path)
    assert [list(one.attributes) for one in after.graph if one.op_type == "Constant"] in ([], [["value"]] * 3)


def test_a_tensor_is_no_finding(tmp_path):
    assert not findings(CODE, shrunk(plain=False), tmp_path)


@pytest.mark.toolkit
def test_the_toolkit_takes_tensors(bench, tmp_path):
    check_trial(bench, CODE, shrunk(), tmp_path)
