"""RKM260: a Softmax over more than 8192 elements, or over a multiple of a large prime."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rkmend.graph.values import static_shape
from rkmend.rules.base import CannotApply, Exactness, Fact, Level
from rkmend.rules.conv.limits import MAX_SIZE, two_factors
from rkmend.rules.forms import reduced, reshaped
from rkmend.rules.operands import known_shape
from rkmend.rules.operator import OperatorRule
from rkmend.rules.replacement import Replacement
from rkmend.targets import Target

if TYPE_CHECKING:
    import onnx_ir as ir

AFFECTED = ("rk3576",)
MATRICES = ("rk3562",)
"""Targets that cannot bring some long rows that come into the model into their own order."""
LARGEST_PRIME = 8190
"""What the rows can be folded by at most there: 8179 converts, 8191 does not."""
SINGLE_AXIS = 13
"""Opset from which a Softmax is along one axis; before, it is over all from that one on."""


class WideSoftmax(OperatorRule):
    """A Softmax over more than 8192 elements on RK3576, or over a multiple of a large prime on RK3562.

    ## What happens

    `build` dies with SIGILL, or says it succeeded with a number in a register that is too narrow for it, so that the
    layer fails on the board or computes something else:

        E RKNN: REGTASK: The bit width of field value exceeds the limit, target: f2, offset: 0x402c, shift = 0,
        limit: 0x1fff, value: 0x2007

    ## Why

    Widths have 13 bits. RK3588 leaves such a Softmax to the CPU. So does RK3562, but where it reads an input of the
    model, rows in fours, that is brought into the order of elements of the NPU first, and has to be folded for this.

    ## Example

    `Softmax` along the last axis of 1x64x8544, or along the second of 1x9000x4x5.

    ## What rkmend does

    * `as-a-map`: folds the axis into height and width, takes the largest, subtracts it, and divides what Exp makes of
      that by its sum. Exp and the largest are computed on the CPU.

    ## Exactness and its limits

    `rounding`: the same formula, summed in another order. Static shapes; along the last axis, or one that only axes of
    1 follow, with two factors of at most 8192. Along another axis the channels are too many for Sub as well. Rows of a
    prime number of elements, such as 8539, are refused: no operator takes 64 rows of them on this target.

    ## Evidence

    Toolkit 2.3.2, rk3576, fp16 and int8, own trials: 22 of 22 along an axis of 8193 to 9000 failed, whichever axis it
    is; 8192 and less convert, and so do others along a short axis with 9000 elements in the last one. On rk3588 all
    convert, with the Softmax on the CPU. On rk3562 64 rows of 8539 died, and so did all 66 of a multiple of four rows,
    with a multiple of eight elements in all, that are multiples of a prime over 8190; 1, 2, 6 and 10 rows, others of
    8179 to 16400, and all behind another operator convert. Mended, 16 of 16 convert with right numbers.
    """

    code = "RKM260"
    name = "softmax-too-wide"
    level = Level.ERROR
    operators = frozenset({"Softmax", "LogSoftmax"})
    mend = "as-a-map"
    summary = "Folds the axis into height and width, and computes the Softmax by its formula."
    exactness = Exactness.ROUNDING

    def holds(self, node: ir.Node, target: Target) -> Mapping[str, Fact] | None:
        """An axis over 8192, or rows of an input with a large prime in their length."""
        shape = static_shape(node.inputs[0])
        if not shape:
            return None
        axis = _axis(node, len(shape))
        if target.name in AFFECTED:
            fails = shape[axis] > MAX_SIZE
        else:
            fails = target.name in MATRICES and axis == len(shape) - 1 and _is_unfolded(node, shape)
        return {"width": shape[axis], "most": MAX_SIZE} if fails else None

    def message(self, node: ir.Node, facts: Mapping[str, Fact]) -> str:
        """How long the rows are."""
        name, width, most = node.name, facts["width"], facts["most"]
        return f"{node.op_type} '{name}' is over {width} elements; the NPU has {most} at most."

    def rewrite(self, node: ir.Node, new: Replacement) -> Sequence[ir.Value | None]:
        """Reshape, the formula, Reshape."""
        shape, data = known_shape(node.inputs[0]), node.inputs[0]
        axis = _axis(node, len(shape))
        if math.prod(shape[axis + 1 :]) > 1:
            raise CannotApply("it is not along the last axis")
        folded = two_factors(shape[axis], MAX_SIZE)
        if folded is None or 1 in folded:
            raise CannotApply(f"{shape[axis]} has no two factors of at most {MAX_SIZE}")
        assert data is not None
        maps, over = (1, math.prod(shape[:axis]), *folded), (2, 3)
        high = reshaped(new, "map", data, maps)
        lower = new.node("lower", "Sub", [high, reduced(new, "largest", "ReduceMax", high, over)])
        powers = new.node("powers", "Exp", [lower])
        total = reduced(new, "total", "ReduceSum", powers, over)
        if node.op_type == "Softmax":
            shares = new.node("shares", "Div", [powers, total])
        else:
            shares = new.node("shares", "Sub", [lower, new.node("log", "Log", [total])])
        return [reshaped(new, "rows", shares, shape)]


def _is_unfolded(node: ir.Node, shape: tuple[int, ...]) -> bool:
    """Whether it reads an input of which the rows, in fours, cannot be folded."""
    data, rows, size = node.inputs[0], math.prod(shape[:-1]), shape[-1]
    if node.op_type != "Softmax" or data is None or not data.is_graph_input() or rows % 4 or rows * size % 8:
        return False
    return _largest_prime(size) > LARGEST_PRIME


def _largest_prime(number: int) -> int:
    divisor = 2
    while divisor * divisor <= number:
        if number % divisor:
            divisor += 1
        else:
            number //= divisor
    return number


def _axis(node: ir.Node, rank: int) -> int:
    graph = node.graph
    opset = SINGLE_AXIS if graph is None else graph.opset_imports.get("", SINGLE_AXIS)
    return node.attributes.get_int("axis", -1 if opset >= SINGLE_AXIS else 1) % rank
