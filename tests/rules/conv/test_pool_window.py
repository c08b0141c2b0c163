"""MaxPools over the whole map whose window overflows, and where the compiler does the others."""

from __future__ import annotations

import onnx
import pytest

from one_operator import one
from rkmend.checking import check
from rkmend.graph import load
from rkmend.rules.conv.max_pool_place import Place, place_of
from rkmend.rules.conv.sliding import Sliding
from rkmend.targets import load_target
from rule_bench import rewrite_and_trial


def pool(size, kernel, pads, strides, **more):
    return one("MaxPool", [1, 8, *size], kernel_shape=kernel, pads=pads, strides=strides, **more)


CASES = {
    "square": ("RKM118", pool([21, 21], [21, 21], [10] * 4, [4, 4])),
    "one axis": ("RKM118", pool([2, 19], [2, 19], [1, 9, 1, 9], [4, 4])),
    "padding": ("RKM118", pool([16, 2], [16, 16], [8] * 4, [4, 4])),
    "unlike": ("RKM118", pool([21, 21], [21, 21], [10, 5, 20, 11], [1, 1])),
}
test_rewrite, test_trial = rewrite_and_trial(CASES, ("square", "unlike"))


# Where 2.3.2 does each, by its layer table or by REGTASK.
@pytest.mark.parametrize(
    ("window", "places"),
    [
        (([21, 21], [21, 21], [10] * 4, [4, 4]), "OOOC"),
        (([9, 9], [9, 9], [4] * 4, [2, 2]), "NOOC"),
        (([21, 21], [21, 21], [10] * 4, [1, 4]), "NNNN"),
        (([21, 21], [21, 21], [0] * 4, [1, 1]), "NNNN"),
        (([40, 40], [21, 21], [10] * 4, [4, 4]), "CCCC"),
        (([8, 13], [8, 13], [0, 6, 2, 8], [4, 4]), "NOOC"),
        (([12, 21], [12, 12], [0, 0, 9, 4], [1, 1]), "CCCC"),
        (([30, 2], [21, 21], [10] * 4, [1, 1]), "CCCC"),
        (([30, 30], [8, 8], [0] * 4, [3, 3]), "NNNN"),
    ],
)
def test_where_a_max_pool_is_computed(window, places, tmp_path):
    path = tmp_path / "pool.onnx"
    onnx.save(pool(*window), path)
    node = next(node for node in load(path).ir.graph if node.op_type == "MaxPool")
    read = Sliding.read(node)
    assert read is not None
    names = {Place.NPU: "N", Place.CPU: "C", Place.OVERFLOW: "O"}
    targets = ("rk3588", "rk3576", "rk3562", "rk3566")
    assert "".join(names[place_of(node, read, load_target(name))] for name in targets) == places


@pytest.mark.parametrize(
    ("operator", "size", "kernel", "more", "levels"),
    [
        ("MaxPool", [20, 123], [7, 7], {}, "EE"),
        ("MaxPool", [20, 96], [5, 7], {}, "EE"),
        ("MaxPool", [20, 96], [7, 7], {"pads": [3] * 4}, ".."),
        ("MaxPool", [20, 123], [7, 7], {"strides": [2, 2]}, ".."),
        ("MaxPool", [20, 131], [3, 3], {"strides": [2, 1]}, "EE"),
        ("MaxPool", [20, 198], [3, 3], {"strides": [1, 2]}, ".."),
        ("MaxPool", [20, 103], [6, 6], {"strides": [1, 2]}, "EE"),
        ("MaxPool", [20, 34], [7, 4], {"pads": [3, 1, 3, 1]}, "EE"),
        ("MaxPool", [20, 35], [7, 4], {"pads": [3, 1, 3, 1]}, ".."),
        ("MaxPool", [9, 119], [8, 8], {"pads": [1, 1, 1, 4]}, "EE"),
        ("MaxPool", [16, 210], [9, 9], {}, "EE"),
        ("MaxPool", [16, 178], [9, 9], {}, ".."),
        ("MaxPool", [16, 71], [9, 9], {"pads": [1] * 4}, "EE"),
        ("MaxPool", [21, 74], [11, 11], {"pads": [0, 1, 0, 1]}, ".."),
        ("AveragePool", [16, 1106], [3, 4], {"pads": [0, 2, 1, 0]}, ".E"),
        ("AveragePool", [16, 81], [8, 8], {}, ".."),
        ("MaxPool", [20, 123], [1, 7], {}, ".."),
        ("MaxPool", [20, 40], [7, 7], {}, "EE"),
        ("MaxPool", [20, 48], [7, 7], {}, ".."),
        ("MaxPool", [20, 64], [5, 5], {}, ".."),
        ("MaxPool", [20, 130], [2, 2], {}, "EE"),
        ("MaxPool", [20, 131], [2, 2], {}, ".."),
        ("MaxPool", [20, 265], [3, 3], {}, "EE"),
        ("MaxPool", [20, 56], [7, 4], {}, "EE"),
        ("MaxPool", [20, 56], [4, 7], {}, ".."),
        ("AveragePool", [20, 224], [6, 6], {}, ".E"),
    ],
)
def test_tiles_of_rk3576(operator, size, kernel, more, levels, tmp_path):
    path = tmp_path / "pool.onnx"
    onnx.save(one(operator, [1, 24, *size], kernel_shape=kernel, **more), path)
    for dtype, level in zip(("fp16", "int8"), levels, strict=True):
        codes = {found.code for found in check(path, "rk3576", dtype=dtype).findings}
        assert ("RKM120" in codes) == (level == "E"), dtype
    assert "RKM120" not in {found.code for found in check(path, "rk3562").findings}
