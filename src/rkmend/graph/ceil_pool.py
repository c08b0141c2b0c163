"""Outputs of a pooling under `ceil_mode`, of which onnx infers too many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rkmend.graph.values import static_shape

if TYPE_CHECKING:
    import onnx_ir as ir


def leave_out_windows_behind(node: ir.Node) -> None:
    """Leaves windows that begin behind the data and its padding in front out of the shape, as ONNX Runtime does.

    Source: ONNX Runtime, and the specification ("Sliding windows that would start in the right padded region are
    ignored"); onnx 1.23 infers them all the same for operator set 13.
    """
    import onnx_ir as ir

    if node.op_type not in ("MaxPool", "AveragePool") or not node.attributes.get_int("ceil_mode", 0):
        return
    data = static_shape(node.inputs[0])
    if not data or node.attributes.get_string("auto_pad", "NOTSET") != "NOTSET":
        return
    for value in node.outputs:
        counts, begun = static_shape(value), _begun(node, data[2:])
        if counts is not None and begun is not None and len(counts) == len(data):
            value.shape = ir.Shape([*counts[:2], *map(min, counts[2:], begun)])


def _begun(node: ir.Node, sizes: Sequence[int]) -> list[int] | None:
    """Windows along each axis that begin before its end; None where the attributes are of another length."""
    ints, rank = node.attributes.get_ints, len(sizes)
    strides, pads = ints("strides", ()) or (1,) * rank, ints("pads", ()) or (0,) * 2 * rank
    if len(strides) != rank or len(pads) != 2 * rank or min(strides, default=1) < 1:
        return None
    return [
        (size + pad - 1) // stride + 1 for size, pad, stride in zip(sizes, pads[:rank], strides, strict=True)
    ]
