"""RKM602: a linear Resize that the compiler leaves to the CPU."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rkmend.graph.values import static_shape
from rkmend.rules.base import Fact, Level
from rkmend.rules.design_rule import DesignRule
from rkmend.targets import Target

if TYPE_CHECKING:
    import onnx_ir as ir

LINEAR = ("linear", "bilinear")
OWN_UNIT = "rk3562"
"""A target that resizes by any factor on the NPU."""
MOST_PIXELS = 8192
"""Of the result, with corners aligned along both axes, on that target."""


class CpuResize(DesignRule):
    """A linear Resize by a factor that is not whole, or with corners aligned.

    ## What happens

    The model converts, and the layer table says `CPU` for the Resize. For a feature map late in a decoder that is often
    the slowest layer of all.

    ## Why

    On the NPU a linear Resize by a whole factor s is done as s x s depth-wise Convs whose weights are the distances of
    the new points from the old. With a factor that is not whole, or with `align_corners`, every point has other
    weights. RK3562 has a unit for any factor, and leaves to the CPU what has corners aligned and more than 8192 pixels.

    ## Example

    `Resize` linear from 32x32 to 48x48; `Resize` linear with `align_corners` from 32x32 to 64x64.

    ## What rkmend does

    It names the factor. Nothing is changed. Train with a whole factor and `align_corners=False`, or with nearest.

    ## Exactness and its limits

    Static shapes, four axes. The document names whole factors from 2 to 8 and `align_corners` as supported; the
    compiler does 9, 1/2 and 1/4 on the NPU, and no `align_corners`. The compiler is right.

    ## Evidence

    Toolkit 2.3.2, rk3588, fp16, 16x32x32 between two Convs. On the NPU: linear by 2, 3, 4, 8, 9, 1/2, 1/4, by 2 x 4 and
    2 x 1, half_pixel, pytorch_half_pixel and asymmetric; nearest by any factor (1.375, 0.75, 1.5). On the CPU: linear
    by 1.5 and 0.75; linear with align_corners by 2, 4 and 1/2.
    rk3562, random layers: of 125 by such factors or with corners aligned the 7 on the CPU are among 12 that are said to
    be; what tells the other 5 apart is not known.
    """

    code = "RKM602"
    name = "cpu-resize"
    level = Level.WARNING
    operators = frozenset({"Resize", "Upsample"})

    def holds(self, node: ir.Node, target: Target) -> Mapping[str, Fact] | None:
        """The factors."""
        before, after = static_shape(node.inputs[0]), static_shape(node.outputs[0])
        if node.attributes.get_string("mode", "nearest") not in LINEAR or not before or not after:
            return None
        if len(before) != 4 or before[:2] != after[:2]:
            return None
        aligned = (
            node.attributes.get_string("coordinate_transformation_mode", "half_pixel") == "align_corners"
        )
        whole = all(
            old and new and (new % old == 0 or old % new == 0)
            for old, new in zip(before[2:], after[2:], strict=True)
        )
        if before == after or (whole and not aligned):
            return None
        if target.name == OWN_UNIT and not (aligned and _is_large(before, after)):
            return None
        return {
            "from": f"{before[2]}x{before[3]}",
            "to": f"{after[2]}x{after[3]}",
            "align_corners": aligned,
        }

    def message(self, node: ir.Node, facts: Mapping[str, Fact]) -> str:
        """What of it is not possible on the NPU."""
        why = "with align_corners" if facts["align_corners"] else "by a factor that is not whole"
        return f"Resize '{node.name}' is linear {why}, from {facts['from']} to {facts['to']}, and runs on the CPU."


def _is_large(before: Sequence[int], after: Sequence[int]) -> bool:
    both = all(old != new for old, new in zip(before[2:], after[2:], strict=True))
    return both and after[2] * after[3] > MOST_PIXELS
