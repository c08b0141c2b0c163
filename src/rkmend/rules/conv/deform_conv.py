"""RKM110: DeformConv."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING

from rkmend.rules.base import CannotApply, Exactness, Fact, Level
from rkmend.rules.conv.sliding import Sliding
from rkmend.rules.forms import cut, joined, reshaped
from rkmend.rules.operands import known_shape, operand
from rkmend.rules.operator import OperatorRule
from rkmend.rules.replacement import Replacement
from rkmend.targets import Target

if TYPE_CHECKING:
    import onnx_ir as ir

    from rkmend.rules.operands import Array


class DeformableConv(OperatorRule):
    """A Conv whose taps are moved by offsets that the model computes.

    ## What happens

    `build` raises:

        NotImplemented: [ONNXRuntimeError] : 9 : NOT_IMPLEMENTED : Could not find an implementation for DeformConv(19)

    ## Why

    The toolkit has no DeformConv, and neither has the ONNX Runtime that it works with.

    ## Example

    `DeformConv` 3x3 with 18 offsets for each output pixel.

    ## What rkmend does

    * `grid-sample`: reads the moved taps with GridSample, multiplies by the mask, and sums up with a 1x1 Conv whose
      channels are the taps. GridSample runs on the CPU.

    ## Exactness and its limits

    `rounding`: both interpolate between the four pixels round a tap; the place is computed in another way, so that it
    is off by a few units in the last place. There have to be two spatial axes.

    ## Evidence

    Toolkit 2.3.2, rk3588, fp16: all forms tried are rejected, and right when mended, with and without mask, groups of
    offsets and groups of weights. Toolkit 2.5.0
    fails alike.
    """

    code = "RKM110"
    name = "deform-conv"
    level = Level.ERROR
    operators = frozenset({"DeformConv"})
    mend = "grid-sample"
    summary = "Reads the moved taps with GridSample and sums them up with a 1x1 Conv."
    exactness = Exactness.ROUNDING

    def holds(self, node: ir.Node, target: Target) -> Mapping[str, Fact] | None:
        """Anywhere with two spatial axes."""
        conv = Sliding.read(node)
        return None if conv is None or len(conv.axes) != 2 else {}

    def rewrite(self, node: ir.Node, new: Replacement) -> Sequence[ir.Value | None]:
        """For each group of offsets GridSample and Mul; Concat, Conv."""
        import numpy as np

        if new.opset < 16:
            raise CannotApply("GridSample came with opset 16")
        conv, data, offsets = Sliding.read(node), node.inputs[0], node.inputs[2]
        assert conv is not None and data is not None and offsets is not None
        mask = operand(node, 4)
        weight = node.inputs[1]
        assert weight is not None
        groups, taps = node.attributes.get_int("offset_group", 1), prod(axis.kernel for axis in conv.axes)
        batch, channels = conv.shape[:2]
        plane = [axis.outputs for axis in conv.axes]
        scale, base = _coordinates(conv)
        scale_of, base_of = new.constant("scale", scale), new.constant("base", base)
        swap = new.constant("swap", np.array([1, 0], np.int64))
        mode = "bilinear" if new.opset < 20 else "linear"
        sampled = []
        for group in range(groups):
            grid = _part(new, "offset", offsets, group, 2 * taps)
            grid = reshaped(new, "pairs", grid, [batch * taps, 2, prod(plane)])
            grid = new.node("last", "Transpose", [grid], {"perm": [0, 2, 1]})
            grid = new.node("xy", "Gather", [grid, swap], {"axis": 2})
            grid = reshaped(new, "offsets", grid, [batch, taps * plane[0], plane[1], 2])
            grid = new.node("grid", "Add", [new.node("scaled", "Mul", [grid, scale_of]), base_of])
            part = _part(new, "data", data, group, channels // groups)
            part = new.node("sample", "GridSample", [part, grid], {"mode": mode, "align_corners": 0})
            if mask is not None:
                seen = _part(new, "mask", mask, group, taps)
                seen = reshaped(new, "seen", seen, [batch, 1, taps * plane[0], plane[1]])
                part = new.node("masked", "Mul", [part, seen])
            sampled.append(part)
        value = joined(new, "joined", sampled, 1)
        value = reshaped(new, "taps", value, [batch, channels * taps, *plane])
        kernels, seen_channels = known_shape(weight)[:2]
        flat = reshaped(new, "weight", weight, [kernels, seen_channels * taps, 1, 1])
        bias = operand(node, 3)
        inputs = [value, flat] if bias is None else [value, flat, bias]
        return [new.node("sum", "Conv", inputs, {"group": node.attributes.get_int("group", 1)})]


def _part(new: Replacement, part: str, value: ir.Value, group: int, size: int) -> ir.Value:
    """The channels of one group of offsets."""
    if known_shape(value)[1] == size:
        return value
    return cut(new, part, value, 1, group * size, (group + 1) * size)


def _coordinates(conv: Sliding) -> tuple[Array, Array]:
    """What an offset in (x, y) is multiplied by, and where its tap would be without; [-1, 1] is the map."""
    import numpy as np

    places = [
        (np.arange(axis.outputs) * axis.stride - axis.pad_begin, np.arange(axis.kernel) * axis.dilation)
        for axis in conv.axes
    ]
    (row, tap_row), (col, tap_col) = places
    y = tap_row[:, None, None, None] + row[None, None, :, None]
    x = tap_col[None, :, None, None] + col[None, None, None, :]
    height, width = conv.shape[2:]
    x, y = np.broadcast_arrays((2 * x + 1) / width - 1, (2 * y + 1) / height - 1)
    base = np.stack([x, y], axis=-1).reshape(1, -1, len(col), 2)
    return np.array([2 / width, 2 / height], np.float32), base.astype(np.float32)
