"""The shape of a pooling under `ceil_mode`, held against what ONNX Runtime computes."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir
import pytest
from graphs import run

from one_operator import one
from rkmend.graph import infer
from rkmend.graph.values import static_shape


@pytest.mark.parametrize("operator", ["MaxPool", "AveragePool"])
@pytest.mark.parametrize(
    ("kernel", "strides", "pads"),
    [
        ([5, 5], [4, 4], [4] * 4),  # the last window begins behind the data
        ([1, 2], [5, 5], [0, 0, 0, 1]),
        ([3, 3], [6, 6], [1, 1, 1, 1]),
        ([3, 3], [2, 2], [1, 1, 2, 2]),  # it does not
        ([3, 3], [6, 6], [0] * 4),
    ],
)
def test_windows_behind_the_data_are_left_out(operator, kernel, strides, pads):
    proto = one(operator, [1, 2, 20, 20], kernel_shape=kernel, strides=strides, pads=pads, ceil_mode=1)
    model = ir.from_proto(proto)
    infer(model)
    (output,) = model.graph.outputs
    computed = run(proto, {"x": np.zeros([1, 2, 20, 20], np.float32)})["y"]
    assert static_shape(output) == computed.shape
