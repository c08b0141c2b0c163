"""Runs a tool of others on a model for `tools`, in a process that may crash, hang or take all memory.

    python -m rkmend.diagnose.cause._tool_child TOOL BEFORE.onnx AFTER.onnx

where TOOL is `onnxruntime`, `onnxsim`, `onnxslim` or `opset N`. Exits with 1 and the reason in the last line
when the tool gives up.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any


def optimize(before: str, after: str) -> None:
    """ONNX Runtime's basic level: constant folding, redundant nodes, a few fusions; standard operators only."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = after
    options.log_severity_level = 3
    ort.InferenceSession(before, options, providers=["CPUExecutionProvider"])


def main() -> None:
    """Does what the command line says."""
    tool, before, after = sys.argv[1:]
    try:
        if tool == "onnxruntime":
            optimize(before, after)
            return
        import onnx
        from onnx import version_converter

        model: Any = onnx.load(before)
        if tool == "onnxsim":
            model, _ = importlib.import_module("onnxsim").simplify(model)
        elif tool == "onnxslim":
            model = importlib.import_module("onnxslim").slim(model)
        else:
            model = version_converter.convert_version(model, int(tool.removeprefix("opset ")))
        onnx.save(model, after)
    except Exception as error:
        text = str(error).strip()
        sys.stdout.write(f"\n{text.splitlines()[0] if text else type(error).__name__}\n")
        sys.exit(1)


if __name__ == "__main__":
    main()
