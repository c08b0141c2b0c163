"""What is too large and is taken apart: Softmax of long rows, products of odd maps, linear Resizes of many rows."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from one_operator import mended, noise, one
from rkmend.checking import check
from rkmend.targets import load_target
from rule_bench import RK3588, rewrite_and_trial

RK3576, INT8 = load_target("rk3576"), RK3588.computing_in("int8")


def resize(
    shape: list[int],
    factor: float,
    mode: str = "half_pixel",
    high: float | None = None,
    kind: str = "linear",
) -> onnx.ModelProto:
    """Linear or nearest, by a factor along the width and the same, or another, along the height."""
    scales = np.array([1, 1, high or factor, factor], np.float32)
    coordinates = {"coordinate_transformation_mode": mode, "mode": kind}
    proto = one("Resize", shape, {"r": np.zeros(0, np.float32), "scales": scales}, **coordinates)
    proto.graph.node[0].input[1] = ""
    del proto.graph.initializer[0]
    return proto


SOFTMAX = {
    "rows": ("RKM260", one("Softmax", [1, 4, 8544], axis=-1)),
    "four-axes": ("RKM260", one("Softmax", [1, 2, 3, 9000], axis=3)),
    "logarithm": ("RKM260", one("LogSoftmax", [1, 4, 8541], axis=-1)),
}
test_softmax, test_softmax_trial = rewrite_and_trial(SOFTMAX, ["rows", "four-axes"], RK3576)

PRODUCTS = {"product": ("RKM261", one("MatMul", [1, 2, 513, 256], {"w": noise([256, 5])}))}
test_product, test_product_trial = rewrite_and_trial(PRODUCTS)

RESIZES = {
    "half-pixel": ("RKM262", resize([1, 2, 159, 8], 2)),
    "asymmetric": ("RKM262", resize([1, 3, 260, 4], 3, "asymmetric")),
    "one-axis": ("RKM262", resize([1, 2, 129, 8], 1, high=2)),
    "nearest": ("RKM262", resize([1, 3, 159, 8], 1.5, kind="nearest")),
    "halved": ("RKM262", resize([1, 17, 193, 63], 0.5, "asymmetric", kind="nearest")),
    "aligned": ("RKM262", resize([1, 2, 155, 9], 0.5, "align_corners", high=1, kind="nearest")),
}
test_resize, test_resize_trial = rewrite_and_trial(RESIZES, ["half-pixel", "nearest", "halved"], INT8)


@pytest.mark.parametrize(
    ("shape", "target", "fails"),
    [
        ([1, 64, 8539], "rk3576", True),
        ([1, 8200], "rk3576", True),
        ([1, 64, 8192], "rk3576", False),
        ([1, 64, 8539], "rk3588", False),
        ([1, 64, 8539], "rk3562", True),
        ([16, 8191], "rk3562", True),
        ([64, 8179], "rk3562", False),
        ([4, 16418], "rk3562", True),
        ([1, 6, 34156], "rk3562", False),
        ([2, 8539], "rk3562", False),
        ([1, 64, 8544], "rk3562", False),
        ([1, 64, 8539], "rk3566", False),
    ],
)
def test_rows_over_8192(shape, target, fails, tmp_path):
    path = tmp_path / "softmax.onnx"
    onnx.save(one("Softmax", shape, axis=-1), path)
    codes = {found.code for found in check(path, target).findings}
    assert ("RKM260" in codes) == fails


@pytest.mark.parametrize(
    ("shape", "axis", "fails"),
    [
        ([1, 8193, 10], 1, True),
        ([1, 8192, 10], 1, False),
        ([1, 10, 4, 9000], 1, False),
        ([1, 10, 9000, 4], 2, True),
    ],
)
def test_softmax_along_other_axes(shape, axis, fails, tmp_path):
    path = tmp_path / "softmax.onnx"
    onnx.save(one("Softmax", shape, axis=axis), path)
    assert ("RKM260" in {found.code for found in check(path, "rk3576").findings}) == fails


def test_a_prime_number_of_elements_is_refused():
    assert mended("RKM260", one("Softmax", [1, 64, 8539], axis=-1), RK3576) is None


@pytest.mark.parametrize(
    ("shape", "overflows"),
    [
        ([1, 2, 863, 640], True),
        ([1, 2, 1022, 256], False),
        ([1, 1, 863, 640], False),
        ([1, 2, 511, 256], False),
        ([1, 2, 1743, 161], False),
        ([1, 4, 863, 640], False),
        ([2, 5, 513, 256], True),
    ],
)
def test_products_of_odd_maps_on_rk3588(shape, overflows, tmp_path):
    path = tmp_path / "product.onnx"
    onnx.save(one("MatMul", shape, {"w": noise([shape[-1], 5])}), path)
    assert ("RKM261" in {found.code for found in check(path, "rk3588").findings}) == overflows
    assert "RKM261" not in {found.code for found in check(path, "rk3576").findings}


@pytest.mark.parametrize(
    ("shape", "factor", "dtype", "overflows"),
    [
        ([1, 3, 159, 64], 2, "int8", True),
        ([1, 3, 128, 64], 2, "int8", False),
        ([1, 1, 159, 64], 2, "int8", False),
        ([1, 3, 159, 64], 2, "fp16", False),
        ([1, 3, 256, 64], 0.5, "int8", False),
    ],
)
def test_resizes_of_many_rows_on_rk3588(shape, factor, dtype, overflows, tmp_path):
    path = tmp_path / "resize.onnx"
    onnx.save(resize(shape, factor), path)
    assert ("RKM262" in {found.code for found in check(path, "rk3588", dtype=dtype).findings}) == overflows


# What 2.3.2 does in int8 with 129 rows: E overflows a register, . does not.
@pytest.mark.parametrize(
    ("high", "wide", "mode", "outcome"),
    [
        (0.5, 0.5, "align_corners", "E"),
        (0.5, 0.5, "half_pixel", "."),
        (1.5, 1.5, "half_pixel", "E"),
        (2.5, 2.5, "asymmetric", "E"),
        (2, 2, "align_corners", "."),
        (2, 1.5, "align_corners", "E"),
        (1.5, 2, "align_corners", "E"),
        (1.5, 1, "align_corners", "."),
        (1, 0.5, "align_corners", "E"),
    ],
)
def test_nearest_resizes_of_many_rows(high, wide, mode, outcome, tmp_path):
    path = tmp_path / "resize.onnx"
    onnx.save(resize([1, 16, 129, 20], wide, mode, high, "nearest"), path)
    found = {one.code for one in check(path, "rk3588", dtype="int8").findings}
    assert ("RKM262" in found) == (outcome == "E")


@pytest.mark.parametrize(
    ("shape", "factor", "kind", "overflows"),
    [
        ([1, 47, 193, 125], 0.5, "nearest", True),
        ([1, 47, 193, 131], 0.5, "nearest", False),
        ([1, 128, 131, 115], 0.5, "nearest", True),
        ([1, 47, 193, 51], 1.25, "nearest", True),
        ([1, 47, 193, 53], 1.25, "nearest", False),
        ([1, 47, 193, 52], 1.25, "nearest", False),
        ([1, 16, 193, 301], 0.25, "nearest", True),
        ([1, 64, 150, 43], 2, "linear", True),
        ([1, 64, 150, 44], 2, "linear", False),
        ([1, 32, 131, 86], 2, "linear", True),
        ([1, 32, 131, 87], 2, "linear", False),
    ],
)
def test_how_many_columns_of_many_rows(shape, factor, kind, overflows, tmp_path):
    """As trials ended, those on either side of each limit."""
    path = tmp_path / "resize.onnx"
    onnx.save(resize(shape, factor, "asymmetric", kind=kind), path)
    found = {one.code for one in check(path, "rk3588", dtype="int8").findings}
    assert ("RKM262" in found) == overflows
