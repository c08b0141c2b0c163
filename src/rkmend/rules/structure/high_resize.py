"""RKM262: a linear Resize in int8 of more than 128 rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rkmend.graph.values import static_shape
from rkmend.rules.bare import BareRule
from rkmend.rules.base import Fact
from rkmend.rules.design.cpu_resize import LINEAR
from rkmend.targets import Target

if TYPE_CHECKING:
    import onnx_ir as ir

AFFECTED = ("rk3588",)
MOST_ROWS = 128


class HighResize(BareRule):
    """A linear Resize of more than 128 rows to a whole multiple, in int8 on RK3588.

    ## What happens

    The build says it succeeded, but the compiler has written a number into a register that is too narrow for it, so the
    layer fails on the board or computes something else:

        E RKNN: REGTASK: The bit width of field value exceeds the limit, target: v2, offset: 0x4058, ...

    ## Why

    By whole factors a linear Resize is done as depth-wise Convs whose results are interleaved; in int8 that has a limit
    of 128 rows of the input.

    ## Example

    `Resize` linear by 2 of 1x3x159x64 in an int8 build.

    ## What rkmend does

    It names the rows. There is no mend yet: resize by nearest, in fp16, or before the map is that high.

    ## Exactness and its limits

    Static shapes, four axes. One channel, `align_corners`, and factors that are not whole or below 1 go another way and
    convert.

    ## Evidence

    Toolkit 2.3.2, rk3588, int8, own trials: of 2 to 16 channels by 2, 3 and 4, half_pixel and asymmetric, all 48 with
    129 and 200 rows overflow and none of 48 with 100 and 128, nor of one channel, nor in fp16 (118); by 2 along one
    axis alone they do. rk3576, rk3562 and rk3566 convert them.
    """

    code = "RKM262"
    name = "resize-too-high"
    operators = frozenset({"Resize", "Upsample"})

    def holds(self, node: ir.Node, target: Target) -> Mapping[str, Fact] | None:
        """More than 128 rows of several channels, by whole factors."""
        before, after = static_shape(node.inputs[0]), static_shape(node.outputs[0])
        if target.name not in AFFECTED or target.dtypes != ("int8",) or not before or not after:
            return None
        if node.attributes.get_string("mode", "nearest") not in LINEAR or len(before) != 4:
            return None
        if node.attributes.get_string("coordinate_transformation_mode", "half_pixel") == "align_corners":
            return None
        whole = all(new % old == 0 for old, new in zip(before[2:], after[2:], strict=True))
        if not whole or before == after or before[1] == 1 or before[2] <= MOST_ROWS:
            return None
        return {"rows": before[2], "most": MOST_ROWS, "channels": before[1]}

    def message(self, node: ir.Node, facts: Mapping[str, Fact]) -> str:
        """How many rows."""
        return (
            f"Resize '{node.name}' is linear, in int8, and of {facts['rows']} rows, where the NPU has "
            f"{facts['most']} at most."
        )
