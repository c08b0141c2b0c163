"""What fp16 rounding alone does to a model."""

from __future__ import annotations

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from graphs import model, node, run, value

from rkmend.verification.half import in_half
from rule_bench import loaded

X = np.random.default_rng(0).standard_normal((1, 64), np.float32)


def halved(proto: onnx.ModelProto, folder, feeds, **how) -> dict[str, np.ndarray]:
    return run(ir.to_proto(in_half(loaded(proto, folder), **how)), feeds)


def one(op_type: str, weights=None, **attributes) -> onnx.ModelProto:
    inputs = " ".join(["x", *(weights or {})])
    return model(
        [node(op_type, inputs, "y", "n", **attributes)], [value("x", [1, 64])], [value("y", None)], weights
    )


def test_every_tensor_is_rounded(tmp_path):
    weight = np.random.default_rng(1).standard_normal((64, 8)).astype(np.float32)
    got = halved(one("MatMul", {"w": weight}), tmp_path, {"x": X})["y"]
    half = X.astype(np.float16).astype(np.float32), weight.astype(np.float16).astype(np.float32)
    np.testing.assert_array_equal(got, got.astype(np.float16).astype(np.float32))
    # The product of the rounded factors, rounded once more; the order of the float32 sum may tip one rounding.
    np.testing.assert_allclose(got, half[0] @ half[1], rtol=2.0**-10, atol=1e-5)


def test_what_is_beyond_fp16_becomes_infinite(tmp_path):
    got = halved(one("Mul", {"s": np.array(1e5, np.float32)}), tmp_path, {"x": X})["y"]
    assert np.isinf(got).all()


def test_what_is_beyond_fp16_stays_where_that_is_wanted(tmp_path):
    weight = {"s": np.array(300.0, np.float32)}
    x = np.linspace(1, 400, 64, dtype=np.float32).reshape(1, 64)
    got, exact = (
        halved(one("Mul", weight), tmp_path, {"x": x}, wide=True)["y"],
        x.astype(np.float16) * np.float32(300),
    )
    beyond = exact > 65504
    np.testing.assert_array_equal(got[beyond], exact[beyond])
    np.testing.assert_array_equal(got[~beyond], exact[~beyond].astype(np.float16))


@pytest.mark.parametrize("seed", [1, 2])
def test_chance_moves_no_number_that_fp16_holds(tmp_path, seed):
    exact = {"x": X.astype(np.float16).astype(np.float32)}
    got = halved(one("Relu"), tmp_path, exact, seed=seed)["y"]
    np.testing.assert_array_equal(got, np.maximum(exact["x"], 0))


def test_chance_follows_the_seed(tmp_path):
    first, again, other = (halved(one("Relu"), tmp_path, {"x": X}, seed=seed)["y"] for seed in (1, 1, 2))
    assert np.array_equal(first, again) and not np.array_equal(first, other)


def test_the_interface_and_the_sizes_of_a_resize_stay(tmp_path):
    weights = {"roi": np.zeros(0, np.float32), "scales": np.array([1, 1, 1, 1.00391], np.float32)}
    proto = model(
        [node("Resize", "x roi scales", "y", "n")], [value("x", [1, 1, 4, 512])], [value("y", None)], weights
    )
    x = np.ones((1, 1, 4, 512), np.float32)
    assert halved(proto, tmp_path, {"x": x})["y"].shape == run(proto, {"x": x})["y"].shape


def test_branches_are_rounded_too(tmp_path):
    def branch(op_type):
        return onnx.helper.make_graph([node(op_type, "x", "b")], op_type, [], [value("b", [1, 64])])

    pick = node("If", "c", "y", "if", then_branch=branch("Exp"), else_branch=branch("Neg"))
    inputs = [value("x", [1, 64]), value("c", [], onnx.TensorProto.BOOL)]
    proto = model([pick], inputs, [value("y", [1, 64])])
    got = halved(proto, tmp_path, {"x": X, "c": np.array(True)})["y"]
    np.testing.assert_array_equal(got, got.astype(np.float16).astype(np.float32))
