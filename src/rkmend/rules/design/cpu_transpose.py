"""RKM608: a Transpose, alone or around a MatMul, that the compiler leaves to the CPU."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rkmend.graph.values import static_shape
from rkmend.rules.base import Fact, Level
from rkmend.rules.design_rule import DesignRule
from rkmend.rules.four_axes import AXES, four_axes, order_of
from rkmend.rules.lite import LITE
from rkmend.rules.operands import is_constant
from rkmend.rules.structure.turning import ATOM
from rkmend.targets import Target
from rkmend.tiling.storage import widest_element

if TYPE_CHECKING:
    import onnx_ir as ir

LIMITED = ((1, 0, 2, 3), (1, 0, 3, 2), (1, 2, 3, 0))
"""Orders that bring the channels to the front."""
MOST_PIXELS, MOST_CHANNELS, MOST_BYTES = 8192, 8192, 131072
"""Of a feature map in such an order: height times width, channels, and bytes of all of it."""

MOST_INPUT = 16384
"""Bytes of a map that is multiplied in int8 as a Conv, in whole groups."""
FEW_MAPS = 2
"""Of more maps the product is turned in another order, without that limit."""


class CpuTranspose(DesignRule):
    """A Transpose, alone or around a MatMul, that the compiler leaves to the CPU.

    ## What happens

    The model converts, and the layer table says `CPU` for the Transpose.

    ## Why

    RK3566 and RK3568 have no unit that transposes. Elsewhere the NPU transposes four axes; the toolkit takes out axes
    of 1 and joins neighbours that stay neighbours, and what has five axes after that goes to the CPU. On RK3588 three
    orders, which bring the channels to the front, have a limit: 8192 pixels, 8192 channels, and 65,536 elements in
    fp16 of each batch. A MatMul of four axes by a constant matrix is a Conv between two Transposes, which have limits
    of their own there: 16,384 bytes of each map before it in int8, 131,072 of the product of one or two maps.

    ## Example

    `Transpose` 2 0 3 1 4 of 2x6x48x20x33; on RK3588 1 0 3 2 of 1x32x224x26.

    ## What rkmend does

    It names the reason. Nothing is changed. A Transpose between layers that do not mind the order is best left out.

    ## Exactness and its limits

    Static shapes. The toolkit takes out Transposes that cancel each other or that it can draw past other operators;
    those are reported all the same. Some other orders have limits of their own, for maps as large as 1x697x140x8.

    ## Evidence

    Own trials, toolkit 2.3.2, single operators, fp16 and int8: rk3566, 190 random ones of two to five axes, all that
    move something on the CPU; rk3588, 3 orders of 23 Transposes of 16 to 9000 channels, height and width, by the layer
    table, and the same of 80 MatMuls; rk3576 and rk3562, 240 random ones. Shares in docs/agreement.md.
    """

    code = "RKM608"
    name = "cpu-transpose"
    level = Level.ADVICE
    operators = frozenset({"Transpose", "MatMul"})

    def holds(self, node: ir.Node, target: Target) -> Mapping[str, Fact] | None:
        """Why the NPU does not do it."""
        shape = static_shape(node.inputs[0])
        if shape is None:
            return None
        if node.op_type == "MatMul":
            return _around_product(node, shape, target)
        order = order_of(node, len(shape))
        if is_view(shape, order):
            return None
        if target.name in LITE:
            return {"because": f"{target.description} has no unit that transposes"}
        if four_axes(shape, order) is None:
            return {"because": f"{len(shape)} axes change their order"}
        if target.name == "rk3588" and order in LIMITED and _is_large(shape, target):
            return {"because": f"{'x'.join(map(str, shape[1:]))} is too large for the order {order}"}
        return None

    def message(self, node: ir.Node, facts: Mapping[str, Fact]) -> str:
        """Why."""
        what = (
            f"Transpose '{node.name}'"
            if node.op_type == "Transpose"
            else f"A Transpose of MatMul '{node.name}'"
        )
        return f"{what} runs on the CPU: {facts['because']}."


def is_view(shape: Sequence[int], order: Sequence[int]) -> bool:
    """Whether nothing moves in memory, and the compiler sees it: of four axes it does not."""
    kept = [axis for axis in order if shape[axis] > 1]
    return kept == sorted(kept) and len(shape) != AXES


def _is_large(shape: Sequence[int], target: Target) -> bool:
    channels, pixels = shape[1], math.prod(shape[2:])
    size = channels * pixels * widest_element(target)
    return pixels > MOST_PIXELS or channels > MOST_CHANNELS or size > MOST_BYTES


def _around_product(node: ir.Node, shape: Sequence[int], target: Target) -> Mapping[str, Fact] | None:
    """A product of four axes that is a Conv, on RK3588, is turned before it and behind it."""
    matrix = static_shape(node.inputs[1])
    if target.name != "rk3588" or len(shape) != AXES or shape[0] > 1 or not is_constant(node.inputs[1]):
        return None
    if matrix is None or len(matrix) < 2 or shape[3] == 1 or (math.prod(matrix[:-2]) > 1 and shape[1] > 1):
        return None
    maps, rows, inner = shape[1:]
    element = widest_element(target)
    before, behind = (rows * -(-size * element // ATOM) * ATOM for size in (inner, matrix[-1]))
    if element == 1 and before > MOST_INPUT:
        return {"because": f"a map of {rows}x{inner} is too large in int8"}
    if maps <= FEW_MAPS and behind > MOST_BYTES:
        return {"because": f"a product of {rows}x{matrix[-1]} is too large"}
    return None
