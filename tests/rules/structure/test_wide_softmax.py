"""Softmax of long rows."""

from __future__ import annotations

import onnx
import pytest

from one_operator import one
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
