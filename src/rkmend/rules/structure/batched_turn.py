"""RKM263: a batch of matrices that a Transpose, or a MatMul between two of them, has too wide."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rkmend.graph.values import static_shape
from rkmend.rules.base import CannotApply, Exactness, Fact, Finding, Level
from rkmend.rules.design.cpu_transpose import is_view
from rkmend.rules.forms import joined, reshaped, split
from rkmend.rules.four_axes import AXES, four_axes, order_of
from rkmend.rules.operands import is_constant, known_shape
from rkmend.rules.operator import OperatorRule
from rkmend.rules.replacement import Replacement
from rkmend.rules.structure.turning import ATOM, WIDTH, fits
from rkmend.targets import Target
from rkmend.tiling.storage import widest_element

if TYPE_CHECKING:
    import onnx_ir as ir

AFFECTED = ("rk3588",)
MIRRORED = (0, 3, 2, 1)
MOVING = frozenset({"Flatten", "Reshape", "Squeeze", "Transpose", "Unsqueeze"})
MOST_PIECES = 64
"""Of a batch that is taken apart; a network of more nodes is no gain."""


class BatchedTurn(OperatorRule):
    """A Transpose of a batch of matrices of more than 1024 columns, alone or before or behind a MatMul, on RK3588.

    ## What happens

    The build says it succeeded, but the compiler has written a number into a register that is too narrow for it, so the
    layer fails on the board or computes something else:

        E RKNN: REGTASK: The bit width of field value exceeds the limit, target: v2, offset: 0x5014, shift = 0,
        limit: 0x1fff, value: 0x35bf

    ## Why

    Channels and width change places (0 3 2 1 of four axes, 0 2 1 of three). In a batch the width, filled up to whole
    groups, is multiplied by 8 and has 13 bits. Where channels and width are whole groups themselves (of 8 in fp16, 16
    in int8), or height and width take more than 16,384 bytes, it is done another way. A MatMul of several
    matrices turns them before (columns: what is summed over) and, with a constant operand, turns the product back
    (columns: its rows).

    ## Example

    `Transpose` 0 2 1 of [2, 283, 1719]; `MatMul` of [8, 1156, 128] with a constant [8, 128, 28].

    ## What rkmend does

    * `one-by-one`: takes the batch apart, does the same with each matrix, and joins the results. A Transpose that has
      no batch has no such limit.

    ## Exactness and its limits

    `rounding`: each number is the same sum, which a MatMul of another batch may add up in another order. Static
    shapes; a batch of 64 at most, and of a MatMul operands that have the same batch, or one of them none. A
    Transpose has three axes: of four, the toolkit draws the Transposes past Split and Concat and joins them again.

    ## Evidence

    Beside a Reshape or a Transpose it is a warning: of ONNX's tests four with such a Transpose convert rightly.

    Toolkit 2.3.2, rk3588, own trials of 600 Transposes and 150 MatMuls, fp16 and int8, batches of 1 to 12: all with
    1025 to 8192 columns in fp16, and to 16,384 in int8, overflow as said here, and no others of this order. So do
    products of two inputs where they sum over more than 1024; their products are not turned. Mended they convert.
    """

    code = "RKM263"
    name = "batch-too-wide"
    level = Level.ERROR
    operators = frozenset({"Transpose", "MatMul"})
    mend = "one-by-one"
    summary = "Takes the batch apart, does the same with each matrix, and joins the results."
    exactness = Exactness.ROUNDING

    def holds(self, node: ir.Node, target: Target) -> Mapping[str, Fact] | None:
        """The columns that are too many."""
        shape = static_shape(node.inputs[0])
        if shape is None or target.name not in AFFECTED:
            return None
        element = widest_element(target)
        turned = _of_transpose(node, shape) if node.op_type == "Transpose" else _of_matmul(node, shape)
        for batch, channels, height, width in turned:
            if _overflows(batch, channels, height, width, element):
                return {"batch": batch, "columns": width, "most": WIDTH, "joined": _is_joined(node)}
        return None

    def level_of(self, finding: Finding, target: Target) -> Level:
        """An error where it stands alone."""
        return Level.WARNING if finding.facts["joined"] else self.level

    def message(self, node: ir.Node, facts: Mapping[str, Fact]) -> str:
        """How many columns."""
        return (
            f"{node.op_type} '{node.name}' turns {facts['batch']} matrices of {facts['columns']} columns, where the "
            f"NPU has {facts['most']} at most in a batch."
        )

    def rewrite(self, node: ir.Node, new: Replacement) -> Sequence[ir.Value | None]:
        """Split, the operator for each matrix, Concat."""
        if node.op_type == "Transpose":
            return [_transposed(node, new)]
        return [_multiplied(node, new)]


def _is_joined(node: ir.Node) -> bool:
    """Whether another operator beside it moves numbers about: the toolkit may make one of both."""
    makers = [value.producer() for value in node.inputs if value is not None]
    readers = [use.node for value in node.outputs for use in value.uses()]
    return any(one is not None and one.op_type in MOVING for one in (*makers, *readers))


def _of_transpose(node: ir.Node, shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    order = order_of(node, len(shape))
    seen = None if is_view(shape, order) else four_axes(shape, order)
    return [seen[0]] if seen is not None and seen[1] == MIRRORED else []


def _of_matmul(node: ir.Node, shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    """What is turned before it and behind it: products that an axis of 1 is among, or another operator, are not."""
    other = static_shape(node.inputs[1])
    if other is None or len(shape) < AXES - 1 or 1 in shape[:-2]:
        return []
    *lead, rows, inner = shape
    constant = is_constant(node.inputs[1])
    if min(rows, inner, other[-1]) == 1 or len(other) < 2 or (constant and len(other) == 2):
        return []
    batch = math.prod(lead)
    behind = [(batch, other[-1], 1, rows)] if constant else []
    return [(batch, rows, 1, inner), *behind]


def _overflows(batch: int, channels: int, height: int, width: int, element: int) -> bool:
    group = ATOM // element
    if batch == 1 or (channels % group == 0 and width % group == 0):
        return False
    return width > WIDTH and fits(height, width, element)


def _transposed(node: ir.Node, new: Replacement) -> ir.Value:
    data, order = node.inputs[0], node.attributes.get_ints("perm", ())
    shape = known_shape(data)
    if len(shape) != AXES - 1:
        raise CannotApply("it has not three axes: the toolkit would join the pieces again")
    assert data is not None
    pieces = split(new, "matrix", data, 0, _ones(shape[0]))
    turned = [
        new.node(f"turned_{number}", "Transpose", [piece], {"perm": order})
        for number, piece in enumerate(pieces)
    ]
    return joined(new, "joined", turned, 0)


def _multiplied(node: ir.Node, new: Replacement) -> ir.Value:
    left, right = node.inputs
    assert left is not None and right is not None
    lead = known_shape(left)[:-2]
    pairs = zip(_matrices(new, "left", left, lead), _matrices(new, "right", right, lead), strict=True)
    products = [new.node(f"product_{number}", "MatMul", pair) for number, pair in enumerate(pairs)]
    whole = joined(new, "joined", products, 0)
    result = known_shape(node.outputs[0])
    return whole if len(lead) == 1 else reshaped(new, "whole", whole, result)


def _matrices(new: Replacement, part: str, value: ir.Value, lead: tuple[int, ...]) -> tuple[ir.Value, ...]:
    """The matrices of an operand, each with a batch of 1; the same one for all where it has no batch."""
    shape = known_shape(value)
    number = math.prod(lead)
    if math.prod(shape[:-2]) == 1:
        return (value,) * number
    if shape[:-2] != lead:
        raise CannotApply("its operands have different batches")
    if len(lead) > 1:
        value = reshaped(new, f"{part}_list", value, [number, *shape[-2:]])
    return split(new, part, value, 0, _ones(number))


def _ones(number: int) -> list[int]:
    if number > MOST_PIECES:
        raise CannotApply(f"a batch of {number}, more than {MOST_PIECES}")
    return [1] * number
