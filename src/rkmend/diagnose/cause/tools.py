"""Tools of others that people say to run on a model: simplifiers, and the version converter of onnx."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from rkmend.diagnose.cause.family import CannotBuild
from rkmend.graph import digest_ir, save, validated
from rkmend.toolkit import child

if TYPE_CHECKING:
    import onnx_ir as ir

SECONDS = 60.0
"""A few operators take less than one; a tool that takes longer hangs."""


def treated(model: ir.Model, tool: str) -> ir.Model:
    """What a tool makes of a model. It runs in a process of its own.

    Args:
        model: Validated; left as it is.
        tool: `onnxruntime` (its basic graph optimisation), `onnxsim`, `onnxslim`, or `opset N` (the version
            converter of onnx).

    Returns:
        Validated, without the operator sets that nothing uses.

    Raises:
        CannotBuild: The tool gave up, died or hung, or left the model as it was.
        InvalidModel: It made something that is no model.
    """
    import onnx_ir as ir
    from onnx_ir.passes.common import RemoveUnusedOpsetsPass

    with TemporaryDirectory(prefix="rkmend-") as folder:
        before, after = Path(folder, "before.onnx"), Path(folder, "after.onnx")
        save(model, before)
        status, lines = child.run(
            [sys.executable, "-m", f"{__package__}._tool_child", tool, before, after],
            cwd=Path(folder),
            env={**os.environ, "PYTHONSAFEPATH": "1"},  # a module in the user's folder is not one of ours
            timeout=SECONDS,
        )
        if status:
            raise CannotBuild(_complaint(status, lines))
        result = ir.load(after)
    RemoveUnusedOpsetsPass()(result)
    result = validated(result)
    if _content(result) == _content(validated(model)):
        raise CannotBuild("it leaves the model as it is")
    return result


def _content(model: ir.Model) -> str:
    """The digest of a model without what tools write about themselves."""
    import onnx_ir as ir
    from onnx_ir.passes.common import ClearMetadataAndDocStringPass

    functions = [function.clone() for function in model.functions.values()]
    bare = ir.Model(model.graph.clone(), ir_version=model.ir_version, functions=functions)
    ClearMetadataAndDocStringPass()(bare)
    return digest_ir(bare)


def _complaint(status: int, lines: list[str]) -> str:
    if status == -signal.SIGKILL:
        return f"it was still running after {SECONDS:g} s, or took all memory"
    if status < 0:
        return f"it died of {signal.Signals(-status).name}"
    return f"it gave up: {lines[-1].rpartition('failed: ')[2]}" if lines else "it gave up"
