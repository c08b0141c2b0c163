"""Converts a model of one Conv, to see that a toolkit environment works.

Run as `python -I smoke.py` in an empty folder, which the toolkit litters. The last line it prints is JSON:
the versions of what matters, and the seconds that the whole took. It exits with 1 when anything fails.
"""

from __future__ import annotations

import json
import platform
import time
from importlib import metadata
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def one_conv() -> onnx.ModelProto:
    """Conv 3x3, 8 to 8 channels, on 1x8x16x16 float32."""
    weight = np.random.default_rng(0).standard_normal((8, 8, 3, 3)).astype(np.float32)
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "w"], ["y"], name="conv", pads=[1, 1, 1, 1])],
        "smoke",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 8, 16, 16])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 8, 16, 16])],
        [numpy_helper.from_array(weight, "w")],
    )
    # The newest that every supported toolkit reads.
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def main() -> None:
    """Converts, then prints the versions."""
    start = time.perf_counter()
    from rknn.api import RKNN

    onnx.save(one_conv(), "smoke.onnx")
    rknn = RKNN(verbose=False)
    for step, status in (
        ("config", rknn.config(target_platform="rk3588")),
        ("load_onnx", rknn.load_onnx(model="smoke.onnx")),
        ("build", rknn.build(do_quantization=False)),
        ("export_rknn", rknn.export_rknn("smoke.rknn")),
    ):
        if status != 0:
            raise SystemExit(f"smoke: {step} returned {status}")
    rknn.release()
    if not Path("smoke.rknn").stat().st_size:
        raise SystemExit("smoke: export_rknn left an empty file")
    report = {
        "toolkit": metadata.version("rknn-toolkit2"),
        "python": platform.python_version(),
        "seconds": round(time.perf_counter() - start, 2),
    }
    for name in ("numpy", "onnx", "onnxruntime", "torch", "protobuf", "setuptools"):
        report[name] = metadata.version(name)
    print(json.dumps(report), flush=True)


if __name__ == "__main__":
    main()
