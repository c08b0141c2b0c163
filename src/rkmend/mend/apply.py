"""Applying a Mend to a copy of a model, and reading back what was applied."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rkmend.graph import infer
from rkmend.rules.base import CannotApply, Mend
from rkmend.rules.replacement import PROVENANCE

if TYPE_CHECKING:
    import onnx_ir as ir


def apply(model: ir.Model, mend: Mend) -> ir.Model:
    """A mended copy that shares its tensors with `model`, with shapes inferred and checked.

    Args:
        model: Left as it is.
        mend: What to apply; a build option does nothing to the graph, so `model` itself comes back.

    Raises:
        CannotApply: The mend does not fit this model, or makes an invalid one of it.
    """
    if mend.rewrite is None:
        return model
    from onnx.checker import ValidationError
    from onnx_ir.passes.common import CheckerPass

    copy = model.clone()
    copy.ir_version = max(copy.ir_version, 4)  # before 4 every new constant had to be a graph input as well
    mend.rewrite(copy)
    infer(copy)
    try:
        CheckerPass()(copy)
    except ValidationError as error:
        raise CannotApply(f"the mended model is not a valid graph: {error}") from error
    return copy


def provenance(model: ir.Model) -> dict[str, tuple[str, str, str]]:
    """Node name -> (rule code, mend name, name of the node it replaces) for every node that a mend put in."""
    return {
        node.name or "": (
            node.metadata_props[PROVENANCE[0]],
            node.metadata_props[PROVENANCE[1]],
            node.metadata_props[PROVENANCE[2]],
        )
        for node in model.graph.all_nodes()
        if PROVENANCE[0] in node.metadata_props
    }
