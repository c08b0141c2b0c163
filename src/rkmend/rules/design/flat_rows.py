"""RKM606: an operator on fewer than four axes whose rows do not fill the memory layout."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rkmend.graph.values import static_shape
from rkmend.rules.base import Fact, Level
from rkmend.rules.design.cpu_transpose import is_view
from rkmend.rules.design_rule import DesignRule
from rkmend.rules.four_axes import AXES, four_axes, order_of
from rkmend.rules.lite import LITE
from rkmend.targets import Target
from rkmend.tiling.storage import widest_element

if TYPE_CHECKING:
    import onnx_ir as ir

MOST_AXES = 3
HALVES = ("rk3576", "rk3562")
"""Targets that reshape tensors of fewer axes by themselves, but convert no int8 rows to fp16."""


class FlatRows(DesignRule):
    """An operator on fewer than four axes whose rows do not fill the memory layout.

    ## What happens

    The model converts, and the layer table has a Reshape on the `CPU` before or behind the operator. On RK3576 and
    RK3562 an `exDataConvert` before a Softmax in int8.

    ## Why

    The NPU keeps tensors as NC1HWC2, with channels in groups of C2 (8 in fp16, 16 in int8; half of it on RK3566 and
    RK3568). A tensor of fewer axes is reshaped to four, and a Transpose of five axes as well; the NPU can do it if its
    rows are whole groups (of five axes, the last two).

    ## Example

    `MatMul` of [386, 137] with [137, 640]: 137 is no multiple of 8.

    ## What rkmend does

    It names the length of the row and the group. Nothing is changed. Widths that are multiples of 16 cost nothing.

    ## Exactness and its limits

    Static shapes. Operators between others of the same shape may share one Reshape, or need none. A Transpose that
    moves nothing in memory is a Reshape on the NPU and not reported.

    ## Evidence

    Own trials of random layers, one operator each, toolkit 2.3.2, all four targets, fp16 and int8: see the column `on
    CPU` in docs/agreement.md. On rk3576 and rk3562 no MatMul (200) and no Transpose of two or three axes had a Reshape
    on the CPU, and 14 of 14 Softmax in int8 along such rows an `exDataConvert`.
    """

    code = "RKM606"
    name = "flat-rows"
    level = Level.ADVICE
    operators = frozenset({"MatMul", "Softmax", "Transpose"})

    def holds(self, node: ir.Node, target: Target) -> Mapping[str, Fact] | None:
        """Rows, in or out, that are no multiple of the group."""
        group = target.atom_bytes // widest_element(target)
        if target.name in HALVES and (node.op_type != "Softmax" or not target.only_int8):
            return None
        if target.name in LITE and node.op_type == "Transpose":
            return None  # all of it is on the CPU, which reshapes nothing
        before, after = static_shape(node.inputs[0]), static_shape(node.outputs[0])
        if not before or not after:
            return None
        last = node.attributes.get_int("axis", -1) in (-1, len(before) - 1)
        if target.name in HALVES and not last:
            return None
        rows = (
            _rows_of_transpose(node, before)
            if node.op_type == "Transpose"
            else _rows(node, before, after, target)
        )
        row = next((row for row in rows if row % group), None)
        return None if row is None else {"row": row, "group": group}

    def message(self, node: ir.Node, facts: Mapping[str, Fact]) -> str:
        """Which row, and of what it should be a multiple."""
        return (
            f"{node.op_type} '{node.name}' has rows of {facts['row']}, no multiple of {facts['group']}: a Reshape to "
            "the NPU's layout may run on the CPU."
        )


def _rows(node: ir.Node, before: Sequence[int], after: Sequence[int], target: Target) -> list[int]:
    """What is reshaped. The NPU reshapes a vector that is multiplied by itself, and of RK3588 one row of a product."""
    rows = [shape[-1] for shape in (before, after) if 1 < len(shape) <= MOST_AXES]
    if node.op_type != "MatMul":
        return rows
    if target.name not in LITE and math.prod(before[:-1]) == 1:
        rows = rows[1:]
    if len(after) == 2 and after[1] == 1 and before[1] > 1:
        rows.append(after[0])  # a column is a row of that many
    return [row for row in rows if row > 1]


def _rows_of_transpose(node: ir.Node, shape: Sequence[int]) -> list[int]:
    """Before it and behind it: rows, or of five axes maps."""
    order = order_of(node, len(shape))
    seen = four_axes(shape, order)
    if seen is None or len(shape) == AXES or is_view(shape, order):
        return []
    sizes, four = seen
    if order == (2, 0, 1):  # a matrix of all rows, transposed as one
        return [shape[2], shape[0] * shape[1]]
    return [sizes[2] * sizes[3], sizes[four[2]] * sizes[four[3]]]
