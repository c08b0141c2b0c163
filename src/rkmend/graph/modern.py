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
BROADCASTING = frozenset(
    {"Add", "And", "Div", "Equal", "Greater", "Less", "Mul", "Or", "PRelu", "Pow", "Sub", "Xor"}
)
"""Operators whose second operand was laid along the axes of the first, from a given one on (PRelu: the channels)."""


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
    _spread(widened)
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


def _spread(model: ir.Model) -> None:
    """Gives the second operand of a broadcast the axes behind its own, where the converter would leave it as it is."""
    import onnx_ir as ir

    infer(model)
    for node in [node for node in model.graph.all_nodes() if not node.domain]:
        if node.op_type not in BROADCASTING or len(node.inputs) != 2:
            continue
        first, second = node.inputs
        if first is None or second is None or first.shape is None or second.shape is None:
            continue
        rank, own = len(first.shape), len(second.shape)
        axis = 1 if node.op_type == "PRelu" else node.attributes.get_int("axis", rank - own) % max(rank, 1)
        for attribute in ("axis", "broadcast"):
            node.attributes.pop(attribute, None)
        if behind := rank - own - axis if second.shape != (1,) else 0:
            axes = list(range(own, own + behind))
            wide = ir.node("Unsqueeze", [second], {"axes": axes}, name=f"{node.name}/wide")
            wide.outputs[0].name = f"{second.name}/{node.name}/wide"
            assert node.graph is not None
            node.graph.insert_before(node, wide)
            node.replace_input_with(1, wide.outputs[0])
