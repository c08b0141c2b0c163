"""Modernising: a model from before opset 7 is raised to it, for ONNX Runtime has no kernels for what changed there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rkmend.errors import InputError
from rkmend.graph.infer import infer
from rkmend.graph.model import Model
from rkmend.graph.names import name_nodes
from rkmend.graph.save import save

if TYPE_CHECKING:
    import onnx_ir as ir

OLDEST = 7
"""The first operator set with the broadcasting of numpy; Add, Gemm, BatchNormalization and others changed with it."""


def modernised(model: Model, file: Path) -> Model:
    """Raises the operator set of a model from before opset 7, by the converter of the onnx package.

    Args:
        model: Left as it is.
        file: Where the raised model is saved, for ONNX Runtime to run.

    Returns:
        The same model where it is new enough, else one whose `path` is `file`.

    Raises:
        InputError: The converter gives up.
    """
    import onnx_ir as ir
    from onnx import version_converter

    if model.opset >= OLDEST or "" not in model.ir.opset_imports:
        return model
    widened = model.ir.clone()
    _spread_slopes(widened)
    try:
        raised = ir.from_proto(version_converter.convert_version(ir.to_proto(widened), OLDEST))
    except RuntimeError as error:
        raise InputError(
            f"{model.path} has opset {model.opset}, and onnx cannot raise it to {OLDEST}: {error}",
            hint="Export the model again with a newer exporter.",
        ) from error
    raised.ir_version = max(raised.ir_version, 4)
    save(raised, file)
    return replace(model, ir=raised, path=file, renamed={**model.renamed, **name_nodes(raised.graph)})


def _spread_slopes(model: ir.Model) -> None:
    """Gives the slopes of each PRelu the axes behind the channels: the converter leaves that out."""
    import onnx_ir as ir

    infer(model)
    for node in [node for node in model.graph.all_nodes() if node.op_type == "PRelu" and not node.domain]:
        data, slope = node.inputs
        if data is None or slope is None or data.shape is None or slope.shape is None or slope.shape == (1,):
            continue
        if len(slope.shape) == 1 and len(data.shape) > 2:
            axes = list(range(1, len(data.shape) - 1))
            spread = ir.node("Unsqueeze", [slope], {"axes": axes}, name=f"{node.name}/slope")
            spread.outputs[0].name = f"{slope.name}/{node.name}/slope"
            assert node.graph is not None
            node.graph.insert_before(node, spread)
            node.replace_input_with(1, spread.outputs[0])
