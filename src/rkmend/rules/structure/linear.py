"""Linear maps along one axis of a tensor, written as MatMul with a constant matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rkmend.rules.replacement import Replacement

if TYPE_CHECKING:
    import onnx_ir as ir

    from rkmend.rules.operands import Array


def multiplied(new: Replacement, part: str, value: ir.Value, axis: int, rank: int, matrix: Array) -> ir.Value:
    """Applies a matrix [out, in] to every vector along an axis.

    The last axis is multiplied from the right and the one before from the left; another axis is brought to the end.
    """
    import numpy as np

    if axis == rank - 1:
        return new.node(
            part, "MatMul", [value, new.constant(f"{part}_matrix", np.ascontiguousarray(matrix.T))]
        )
    if axis == rank - 2:
        return new.node(part, "MatMul", [new.constant(f"{part}_matrix", matrix), value])
    order = list(range(rank))
    order[axis], order[-1] = order[-1], order[axis]
    turned = new.node(f"{part}_turned", "Transpose", [value], {"perm": order})
    product = multiplied(new, part, turned, rank - 1, rank, matrix)
    return new.node(f"{part}_back", "Transpose", [product], {"perm": order})
