"""RKM250: Resize in forms that crash the compiler."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rkmend.graph.values import static_shape
from rkmend.rules.base import Fact, Level
from rkmend.rules.operator import OperatorRule
from rkmend.rules.replacement import Replacement
from rkmend.rules.structure.interpolation import interpolated
from rkmend.targets import Target

if TYPE_CHECKING:
    import onnx_ir as ir

WITHOUT_KERNEL = ("half_pixel", "align_corners", "asymmetric", "pytorch_half_pixel")
"""Ways to find a coordinate with which cubic interpolation crashes; the others run on the CPU."""


class ResizeForm(OperatorRule):
    """A Resize that the toolkit tries to compile and cannot: cubic, or of an unusual number of axes.

    ## What happens

    `build` dies of SIGSEGV without a message (cubic), dies of SIGABRT without a message (rank 5), or raises
    (linear, rank 2):

        Fail: [ONNXRuntimeError] : 1 : FAIL : Non-zero status code returned while running Resize node.

    ## Why

    The toolkit has kernels for nearest and linear interpolation of images [N, C, H, W] only. It sends some of the
    other forms to the CPU and crashes on the rest; a tensor of rank 2 it gives more axes than its own ONNX Runtime
    takes.

    ## Example

    `Resize` with `mode` cubic and scales [1, 1, 2, 2], as PyTorch exports `interpolate(mode="bicubic")`.

    ## What rkmend does

    * `matmul-per-axis`: multiplies every axis that changes by its interpolation matrix. ONNX Runtime itself gives the
      matrix: it is what the operator makes of the unit vectors. All options of the operator are in it (antialias,
      exclude_outside, cubic_coeff_a, region of interest ...).

    ## Exactness and its limits

    `rounding`: the same products, added in another order. NaN and infinity spread over the axis.

    ## Evidence

    Toolkit 2.3.2, rk3588: of 65 forms of Resize and Upsample 21 died or were rejected: cubic ones that count with
    pixels outside (exclude_outside 0) in four of six coordinate transformations, nearest ones of rank 5
    and linear ones by whole factors, linear ones of rank 2. The rest converted with right numbers. A cubic
    Resize at the end of a network: SIGSEGV in 2.3.2 and 2.5.0.
    """

    code = "RKM250"
    name = "resize-form"
    level = Level.ERROR
    operators = frozenset({"Resize", "Upsample"})
    mend = "matmul-per-axis"
    summary = "Multiplies every axis by its interpolation matrix."

    def holds(self, node: ir.Node, target: Target) -> Mapping[str, Fact] | None:
        """Cubic where that crashes; more than 4 axes, unless linear and by a broken factor; linear with 2."""
        before, after = static_shape(node.inputs[0]), static_shape(node.outputs[0])
        if before is None or after is None:
            return None
        mode = node.attributes.get_string("mode", "nearest")
        where = node.attributes.get_string("coordinate_transformation_mode", "half_pixel")
        rank = len(before)
        if mode == "cubic":
            crashes = where in WITHOUT_KERNEL and not node.attributes.get_int("exclude_outside", 0)
        else:
            kernel = mode == "nearest" or all(
                max(pair) % min(pair) == 0 for pair in zip(before, after, strict=True)
            )
            crashes = (rank > 4 and kernel) or (mode == "linear" and rank == 2)
        if crashes:
            return {"mode": mode, "coordinate_transformation_mode": where, "rank": rank}
        return None

    def rewrite(self, node: ir.Node, new: Replacement) -> Sequence[ir.Value | None]:
        """MatMul with constants."""
        return [interpolated(node, new)]
