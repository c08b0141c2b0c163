"""Advice for any model: tools of others in a child process, float16, ones."""

from __future__ import annotations

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from conv_cases import Case, run
from graphs import model, node, value
from models import chain

from rkmend.diagnose.cause import general_advice as room
from rkmend.diagnose.cause import tools
from rkmend.diagnose.cause.family import CannotBuild
from rkmend.graph import validated
from rkmend.rules.base import Exactness

OPTIMIZE = "ONNX Runtime's basic graph optimisation"
HALF, ONES = "weights and inputs in float16", "all weights replaced by ones"


def pieces(proto: onnx.ModelProto):
    return {piece.change: piece for piece in room.general_advice(validated(ir.from_proto(proto)))}


def operators(made: ir.Model) -> list[str]:
    return [node.op_type for node in made.graph]


def conv_and_norm() -> onnx.ModelProto:
    random = np.random.default_rng(0)
    weights = {"w": random.standard_normal((4, 3, 3, 3)), **dict.fromkeys("sbm", random.standard_normal(4))}
    weights["v"] = random.uniform(1, 2, 4)
    nodes = [
        node("Conv", "x w", "c", "conv"),
        node("BatchNormalization", "c s b m v", "n", "norm"),
        node("Identity", "n", "y", "identity"),
    ]
    arrays = {name: array.astype(np.float32) for name, array in weights.items()}
    return model(nodes, [value("x", [1, 3, 8, 8])], [value("y", [1, 4, 6, 6])], arrays, opset=12)


def resize() -> onnx.ModelProto:
    weights = {"roi": np.zeros(0, np.float32), "scales": np.array([1, 1, 2, 2], np.float32)}
    nodes = [node("Resize", "x roi scales", "y", "resize")]
    return model(nodes, [value("x", [1, 1, 2, 2])], [value("y", [1, 1, 4, 4])], weights, opset=12)


@pytest.mark.parametrize("version", [11, 13, 19])
def test_another_opset_keeps_the_function(version):
    case = Case(opset=12)
    made = pieces(case.proto())[f"opset {version}"].build()
    assert made.opset_imports == {"": version}
    assert np.array_equal(run(made, case.feed())[0], run(case.model(), case.feed())[0])  # the very same Conv


def test_the_opset_that_a_model_has_is_no_advice():
    assert [change for change in pieces(Case(opset=12).proto()) if change.startswith("opset")] == [
        "opset 11", "opset 13", "opset 17", "opset 19",
    ]  # fmt: skip


def test_an_opset_that_lacks_the_operator():
    grid = model(
        [node("GridSample", "x g", "y", "grid")],
        [value("x", [1, 1, 4, 4]), value("g", [1, 2, 2, 2])],
        [value("y", [1, 1, 2, 2])],
        opset=16,
    )
    with pytest.raises(CannotBuild, match=r"^it gave up: .*GridSample"):
        pieces(grid)["opset 11"].build()


def test_optimisation_leaves_standard_operators_only():
    piece = pieces(conv_and_norm())[OPTIMIZE]
    made = piece.build()
    assert operators(made) == ["Conv"] and made.opset_imports == {"": 12}
    feed = {"x": np.random.default_rng(1).standard_normal((1, 3, 8, 8), np.float32)}
    # The norm is folded into the weights, which rounds each once more: a few units in the last place of sums of
    # 27 products of the size of 1.
    assert piece.exactness is Exactness.ROUNDING
    np.testing.assert_allclose(run(made, feed)[0], run(conv_and_norm(), feed)[0], rtol=0, atol=1e-4)


def test_a_tool_that_changes_nothing_is_not_worth_a_trial():
    with pytest.raises(CannotBuild, match="it leaves the model as it is"):
        pieces(Case().proto())[OPTIMIZE].build()


@pytest.mark.parametrize("tool", room.SIMPLIFIERS)
def test_simplifiers(tool):
    pytest.importorskip(tool)
    assert operators(pieces(conv_and_norm())[f"ONNX simplification by {tool}"].build()) == ["Conv"]


def test_a_simplifier_that_is_not_there(monkeypatch):
    monkeypatch.setattr(room, "SIMPLIFIERS", ("no_such_simplifier",))
    with pytest.raises(CannotBuild, match="not installed: pip install no_such_simplifier"):
        pieces(chain(2))["ONNX simplification by no_such_simplifier"].build()


def test_a_tool_that_hangs(monkeypatch):
    monkeypatch.setattr(tools, "SECONDS", 0.01)
    with pytest.raises(CannotBuild, match=r"still running after 0\.01 s"):
        pieces(chain(2))[OPTIMIZE].build()


@pytest.mark.parametrize("weights", ["initializer", "input", "constant"])
def test_float16(weights):
    case = Case(weights=weights)
    piece = pieces(case.proto())[HALF]
    made = piece.build()
    assert made.graph.inputs[0].dtype == made.graph.outputs[0].dtype == ir.DataType.FLOAT16
    feed = {name: array.astype(np.float16) for name, array in case.feed().items()}
    # Whole numbers up to 2048 are exact in float16, and no sum is larger than 3 * 3 * 3 + 3.
    assert np.array_equal(run(made, feed)[0], run(case.model(), case.feed())[0])
    assert piece.exactness is Exactness.ROUNDING


def test_float16_of_what_it_cannot_hold():
    proto = conv_and_norm()
    large = onnx.numpy_helper.from_array(np.full((4, 3, 3, 3), 1e5, np.float32), "w")
    proto.graph.initializer[0].CopyFrom(large)
    with pytest.raises(CannotBuild, match="'w' holds numbers beyond 65504"):
        pieces(proto)[HALF].build()
    with pytest.raises(CannotBuild, match="nothing is float32"):
        pieces(Case(dtype=np.float16).proto())[HALF].build()


@pytest.mark.parametrize("weights", ["initializer", "constant"])
def test_ones(weights):
    piece = pieces(Case(weights=weights).proto())[ONES]
    arrays = [value.const_value.numpy() for value in piece.build().graph.initializers.values()]
    assert len(arrays) == 2 and all((array == 1).all() for array in arrays)
    assert piece.exactness is Exactness.CHANGES_MODEL


def test_what_decides_shapes_is_no_weight():
    made = pieces(resize())[HALF].build()
    assert list(made.graph.outputs[0].shape.numpy()) == [1, 1, 4, 4]
    with pytest.raises(CannotBuild, match="there are no float32 weights"):
        pieces(resize())[ONES].build()


def test_the_original_stays_as_it_is():
    made = validated(Case(weights="constant").model())
    before = ir.to_proto(made).SerializeToString(deterministic=True)
    for piece in room.general_advice(made):
        if piece.change in (HALF, ONES, OPTIMIZE):
            try:
                piece.build()
            except CannotBuild:
                continue
    assert ir.to_proto(made).SerializeToString(deterministic=True) == before
