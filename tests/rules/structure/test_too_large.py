"""What is too large and has no mend: Softmax of long rows, products of odd maps, linear Resizes of many rows."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from one_operator import noise, one
from rkmend.checking import check


@pytest.mark.parametrize(
    ("shape", "target", "fails"),
    [
        ([1, 64, 8539], "rk3576", True),
        ([1, 8200], "rk3576", True),
        ([1, 64, 8192], "rk3576", False),
        ([1, 64, 8539], "rk3588", False),
    ],
)
def test_rows_over_8192_on_rk3576(shape, target, fails, tmp_path):
    path = tmp_path / "softmax.onnx"
    onnx.save(one("Softmax", shape, axis=-1), path)
    codes = {found.code for found in check(path, target).findings}
    assert ("RKM260" in codes) == fails


@pytest.mark.parametrize(
    ("shape", "overflows"),
    [
        ([1, 2, 863, 640], True),
        ([1, 2, 1022, 256], False),
        ([1, 1, 863, 640], False),
        ([1, 2, 511, 256], False),
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
    scales = np.array([1, 1, factor, factor], np.float32)
    node = onnx.helper.make_node("Resize", ["x", "", "s"], ["y"], name="op", mode="linear")
    size = [*shape[:2], *(int(axis * factor) for axis in shape[2:])]
    tensors = [
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, axes)
        for name, axes in (("x", shape), ("y", size))
    ]
    graph = onnx.helper.make_graph(
        [node], "resize", tensors[:1], tensors[1:], [onnx.numpy_helper.from_array(scales, "s")]
    )
    onnx.save(
        onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)], ir_version=8), path
    )
    assert ("RKM262" in {found.code for found in check(path, "rk3588", dtype=dtype).findings}) == overflows
