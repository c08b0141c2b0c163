"""Rows of the plan for the page."""

from __future__ import annotations

from models import conv

from rkmend import plan
from rkmend.report.page.opened import Opened
from rkmend.report.page.plans import plan_rows


def test_a_row_says_what_the_plan_says(tmp_path):
    path = conv(tmp_path / "m.onnx", channels=16, size=32, out=8)
    planned, opened = plan(path, target="rk3588"), Opened.read("mended", path, {})
    (row,), (layer,) = plan_rows(planned, opened, {"conv": 7}), planned.layers
    assert (row.which, row.node, row.kind, row.picture) == ("mended", 0, "Conv", 7)
    assert (row.input, row.output, row.kernel, row.stride) == ("16x32x32", "8x32x32", "3x3", "1x1")
    assert (row.pads, row.dilation, row.groups) == ("1, 1, 1, 1", "1x1", 1)
    assert row.banks == f"{layer.split.feature_banks}+{layer.split.weight_banks}"
    assert (row.macs, row.cycles, row.bound) == (16 * 8 * 9 * 32 * 32, layer.cycles, layer.bound)
    assert 0 < row.utilisation <= 1


def test_what_is_fused_names_the_layer_it_is_computed_with(tmp_path):
    import numpy as np
    import onnx
    from graphs import model, node, value

    nodes = [node("Conv", "x w", "c", "conv", kernel_shape=[1, 1]), node("Relu", "c", "y", "relu")]
    proto = model(
        nodes,
        [value("x", [1, 8, 8, 8])],
        [value("y", [1, 8, 8, 8])],
        {"w": np.ones((8, 8, 1, 1), np.float32)},
    )
    onnx.save(proto, tmp_path / "m.onnx")
    planned = plan(tmp_path / "m.onnx", target="rk3588")
    head, fused = plan_rows(planned, Opened.read("original", tmp_path / "m.onnx", {}), {})
    assert (head.fused, head.into) == (("Relu",), None)
    assert (fused.kind, fused.into, fused.banks, fused.input) == ("fused", head.node, "", "")
