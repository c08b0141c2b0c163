"""RKM261: a MatMul of several large maps with an odd number of rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rkmend.graph.values import static_shape
from rkmend.rules.base import Exactness, Fact, Level
from rkmend.rules.forms import joined, split
from rkmend.rules.operands import is_constant
from rkmend.rules.operator import OperatorRule
from rkmend.rules.replacement import Replacement
from rkmend.rules.structure.turning import is_odd_map_too_large
from rkmend.targets import Target
from rkmend.tiling.storage import widest_element

if TYPE_CHECKING:
    import onnx_ir as ir

AFFECTED = ("rk3588",)
ROWS = 2
"""Axis of the rows, of four."""


class OddProduct(OperatorRule):
    """A MatMul by a constant matrix of several large maps with an odd number of rows, on RK3588.

    ## What happens

    The build says it succeeded, but the compiler has written a number into a register that is too narrow for it, so the
    layer fails on the board or computes something else:

        E RKNN: REGTASK: The bit width of field value exceeds the limit, target: v2, offset: 0x5048, ...

    ## Why

    Such a MatMul is a Conv between two Transposes. The step from map to map is counted in 32 bytes and has 13 bits. An
    even number of rows, channels by four, and columns that are no whole groups (of 8 in fp16, 16 in int8) go another
    way.

    ## Example

    `MatMul` of [1, 2, 863, 640] with [640, 5].

    ## What rkmend does

    * `even-rows`: multiplies all rows but the last, and the last on its own.

    ## Exactness and its limits

    `rounding`: every row is the same sum, added up in another order perhaps. Static shapes, four axes, a constant
    matrix of two axes.

    ## Evidence

    Toolkit 2.3.2, rk3588, own trials: of 90 odd maps of 2 to 16 channels, 255 to 2049 rows and 128 to 1024 columns all
    over 261,632 bytes overflow as said here (513x256 in fp16, 1023x256 in int8) and no others (511x256, 511x512); so
    does the Transpose 0312 alone (RKM258). rk3576 and rk3562 convert them. Mended they convert with right numbers.
    """

    code = "RKM261"
    name = "odd-product-too-large"
    level = Level.ERROR
    operators = frozenset({"MatMul"})
    mend = "even-rows"
    summary = "Multiplies all rows but the last, and the last on its own."
    exactness = Exactness.ROUNDING

    def holds(self, node: ir.Node, target: Target) -> Mapping[str, Fact] | None:
        """The maps that are multiplied by a constant matrix."""
        data, matrix = static_shape(node.inputs[0]), static_shape(node.inputs[1])
        if target.name not in AFFECTED or not data or not matrix or not is_constant(node.inputs[1]):
            return None
        element = widest_element(target)
        if len(data) != 4 or len(matrix) != 2 or not is_odd_map_too_large(*data[1:], element):
            return None
        return {"maps": data[1], "rows": data[2], "columns": data[3]}

    def message(self, node: ir.Node, facts: Mapping[str, Fact]) -> str:
        """Its maps."""
        return (
            f"MatMul '{node.name}' multiplies {facts['maps']} maps of {facts['rows']}x{facts['columns']}, an odd "
            "number of rows and too large for a register."
        )

    def rewrite(self, node: ir.Node, new: Replacement) -> Sequence[ir.Value | None]:
        """Split, two MatMuls, Concat."""
        data, matrix = node.inputs
        shape = static_shape(data)
        assert data is not None and shape is not None
        pieces = split(new, "rows", data, ROWS, [shape[ROWS] - 1, 1])
        products = [
            new.node(f"product_{number}", "MatMul", [piece, matrix]) for number, piece in enumerate(pieces)
        ]
        return [joined(new, "joined", products, ROWS)]
