"""One real conversion for all tests of the page and the exports, and models that nobody has to convert."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from graphs import model, node, value

STEM, HEAD = "/stem/conv/Conv", "/head/conv/Conv"


@pytest.fixture(scope="session")
def mended_results(toolkit, tmp_path_factory) -> Path:
    """Results of a network whose ImageScaler the toolkit rejects: mended, verified, compared layer by layer."""
    import rkmend
    from rkmend.report.page.write import add_page

    folder = tmp_path_factory.mktemp("mended")
    random = np.random.default_rng(0)
    weights = {
        "w1": random.standard_normal((8, 3, 3, 3)) * 0.2,
        "b1": random.standard_normal(8),
        "w2": random.standard_normal((4, 8, 1, 1)) * 0.3,
    }
    nodes = [
        node("ImageScaler", "image", "scaled", "/scale/ImageScaler", scale=2.0, bias=[0.1, 0.2, 0.3]),
        node("Conv", "scaled w1 b1", "c", STEM, kernel_shape=[3, 3], pads=[1] * 4),
        node("Relu", "c", "r", "/stem/act/Relu"),
        node("Conv", "r w2", "y", HEAD, kernel_shape=[1, 1]),
    ]
    proto = model(
        nodes, [value("image", [1, 3, 16, 16])], [value("y", [1, 4, 16, 16])],
        {name: array.astype(np.float32) for name, array in weights.items()}, opset=9, ir_version=5,
    )  # fmt: skip
    onnx.save(proto, folder / "net.onnx")
    result = rkmend.convert(folder / "net.onnx", target="rk3588", layers=True)
    assert result.ok, result.reason
    add_page(result)
    return folder / "net.rkmend"


@pytest.fixture
def hostile_model(tmp_path) -> Path:
    """Names that would end a script, break a line of JavaScript, steer a terminal, or fill a page."""
    names = [
        "</script><img src=x onerror=alert(1)>",
        "line\u2028paragraph\u2029end",
        "a" * 5000 + "z" * 5000,
        "网络/层一/卷积",
        "\x1b[31mred\x07 {braces} %s ${dollar} \\u003c",
        "<!--<script>",
    ]
    tensors = ["x", *(f"{name} out" for name in names[:-1]), "y"]
    nodes = [
        onnx.helper.make_node("Relu", [tensors[place]], [tensors[place + 1]], name=name)
        for place, name in enumerate(names)
    ]
    path = tmp_path / "hostile.onnx"
    onnx.save(model(nodes, [value("x", [1, 4])], [value("y", [1, 4])]), path)
    return path
