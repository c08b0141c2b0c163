"""The comparison layer by layer, at the nodes of both models."""

from __future__ import annotations

import onnx
import pytest
from graphs import model, node, value
from page_results import conversion

from rkmend.records import LayerCheck, Layerwise
from rkmend.report.page.errors import error_rows, errors_at
from rkmend.report.page.opened import Opened
from rkmend.toolkit.tolerance import FP16


def check(tensor: str, made_by: str, reference: str = "original") -> LayerCheck:
    return LayerCheck(tensor, "Relu", made_by, reference, 0.9, 0.5, 0.01, True, 1.0, ok=False, source=True)


@pytest.fixture
def read(tmp_path):
    """`a` makes t; in the mended model two nodes do, and `b` is as it was."""
    io = [value("x", [4])], [value("y", [4])]
    onnx.save(model([node("Relu", "x", "t", "a"), node("Exp", "t", "y", "b")], *io), tmp_path / "m.onnx")
    mended = [
        node("Neg", "x", "n", "a/rkmend/neg"),
        node("Abs", "n", "t", "a/rkmend/abs"),
        node("Exp", "t", "y", "b"),
    ]
    onnx.save(model(mended, *io), tmp_path / "mended.onnx")
    checks = (
        check("n", "a/rkmend/neg", "delivered"),
        check("t", "a/rkmend/abs"),
        check("y", "b"),
        check("z_tp", ""),
    )
    result = conversion(tmp_path / "m.onnx", layerwise=Layerwise("zeros", FP16, checks, "t", "", 1.0))
    return (
        result,
        Opened.read("original", tmp_path / "m.onnx", {}),
        Opened.read("mended", tmp_path / "mended.onnx", {}),
    )


def test_rows_name_the_node_of_the_delivered_model(read):
    result, _, mended = read
    rows = error_rows(result, "mended", mended.ids)
    assert [row.node for row in rows] == [0, 1, 2, None]  # the toolkit put the last in by itself
    assert [(row.tensor, row.which, row.cosine, row.source) for row in rows[:1]] == [
        ("n", "mended", 0.9, True)
    ]


def test_nodes_of_both_models_know_their_rows(read):
    result, original, mended = read
    assert errors_at(result, mended, "mended") == {0: 0, 1: 1, 2: 2}
    assert errors_at(result, original, "mended") == {0: 1, 1: 2}  # by the tensor that is the same in both


def test_nothing_measured_is_nothing_told(read):
    result, original, _ = read
    result.layerwise = None
    assert error_rows(result, "original", original.ids) == ()
    assert errors_at(result, original, "original") == {}
