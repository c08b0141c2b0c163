"""Outputs that a mended model leaves out because somebody has their value already; noted in the model itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx_ir as ir

_KEY = "rkmend.left_out."


def leave_out(model: ir.Model, output: str, *, same_as: str) -> None:
    """Takes an output out of the graph's outputs.

    Args:
        model: Changed.
        output: Name of the output.
        same_as: The input that has its value.
    """
    kept = [value for value in model.graph.outputs if value.name != output]
    model.graph.outputs.clear()
    model.graph.outputs.extend(kept)
    model.metadata_props[f"{_KEY}{output}"] = same_as


def left_out(model: ir.Model) -> dict[str, str]:
    """Outputs that were left out -> the inputs that have their value."""
    return {
        key.removeprefix(_KEY): same_as
        for key, same_as in model.metadata_props.items()
        if key.startswith(_KEY)
    }
