"""RKM261: a MatMul of several large maps with an odd number of rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rkmend.graph.values import static_shape
from rkmend.rules.bare import BareRule
from rkmend.rules.base import Fact
from rkmend.rules.operands import is_constant
from rkmend.targets import Target

if TYPE_CHECKING:
    import onnx_ir as ir

AFFECTED = ("rk3588",)
PLANE = 262144
"""8192 times 32: elements of a plane from which a register overflows."""


def is_too_large(channels: int, height: int, width: int) -> bool:
    """Whether several maps of an odd height overflow where their columns become channels."""
    return channels > 1 and height % 2 == 1 and (height + 1) * width >= PLANE


class OddProduct(BareRule):
    """A MatMul by a constant matrix of several large maps with an odd number of rows, on RK3588.

    ## What happens

    The build says it succeeded, but the compiler has written a number into a register that is too narrow for it, so the
    layer fails on the board or computes something else:

        E RKNN: REGTASK: The bit width of field value exceeds the limit, target: v2, offset: 0x5048, ...

    ## Why

    Such a MatMul is a Conv between two Transposes. The step from map to map is counted in 32 elements and has 13 bits;
    an even number of rows goes another way.

    ## Example

    `MatMul` of [1, 2, 863, 640] with [640, 5].

    ## What rkmend does

    It names the size. There is no mend yet: add a row, or compute the maps one by one.

    ## Exactness and its limits

    Static shapes, four axes, a constant matrix of two axes.

    ## Evidence

    Toolkit 2.3.2, rk3588, fp16 and int8, own trials: 863x640 and 1023x256 overflow (6 of 6), 1022x256, 1020x260,
    1024x256 and 511x256 do not (14 of 14), nor do single maps; so does the Transpose 0312 alone (RKM258). rk3576 and
    rk3562 convert them.
    """

    code = "RKM261"
    name = "odd-product-too-large"
    operators = frozenset({"MatMul"})

    def holds(self, node: ir.Node, target: Target) -> Mapping[str, Fact] | None:
        """The maps that are multiplied by a constant matrix."""
        data, matrix = static_shape(node.inputs[0]), static_shape(node.inputs[1])
        if target.name not in AFFECTED or not data or not matrix or not is_constant(node.inputs[1]):
            return None
        if len(data) != 4 or len(matrix) != 2 or not is_too_large(*data[1:]):
            return None
        return {"maps": data[1], "rows": data[2], "columns": data[3]}

    def message(self, node: ir.Node, facts: Mapping[str, Fact]) -> str:
        """Its maps."""
        return (
            f"MatMul '{node.name}' multiplies {facts['maps']} maps of {facts['rows']}x{facts['columns']}, an odd "
            "number of rows and too large for a register."
        )
