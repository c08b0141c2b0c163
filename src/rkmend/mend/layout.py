"""Layout regions: operators that move elements and compute nothing, proved by the place of every element.

Each element of the inputs gets a number of its own. A region that only moves elements gives the same
outputs for all inputs if it does for these: every output element says which input element it is.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rkmend.mend.polynomial import EXACT
from rkmend.mend.region import constants

if TYPE_CHECKING:
    import onnx_ir as ir

MOVING = frozenset(
    {
        "Concat", "DepthToSpace", "Expand", "Flatten", "Gather", "GatherElements", "GatherND", "Identity", "Reshape",
        "Slice", "SpaceToDepth", "Split", "Squeeze", "Tile", "Transpose", "Unsqueeze",
    }
)  # fmt: skip


def only_moves(region: ir.Model) -> bool:
    """Whether no operator of a region computes anything: content decides nothing, and no number is new."""
    if any(node.op_type not in MOVING or node.domain for node in region.graph):
        return False
    sizes = [math.prod(value.shape.numpy()) for value in region.graph.inputs if value.shape is not None]
    floats = all(value.dtype is not None and value.dtype.is_floating_point() for value in region.graph.inputs)
    # A constant among the elements could have the number of one of them, and be taken for it.
    new_numbers = constants(region, floating=True)
    return floats and bool(sizes) and sum(sizes) < EXACT and not new_numbers
