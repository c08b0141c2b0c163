"""RKM125: a Conv on an image whose rows do not fit into the on-chip buffer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rkmend.rules.base import Fact, Level
from rkmend.rules.conv.image import ImageRule
from rkmend.rules.conv.limits import LONGEST_PART, MAX_DILATION, MAX_PAD
from rkmend.targets import Target
from rkmend.tiling.bands import buffer_of
from rkmend.tiling.conv import ConvGeometry
from rkmend.tiling.storage import rounded, widest_element

if TYPE_CHECKING:
    import onnx_ir as ir

    from rkmend.tiling.conv import Axis

MOST_COLUMNS = {"rk3562": 4095}
"""Columns of a row, 12 bits."""
CUT = {"rk3588": 2048}
"""Columns to which a longer row is cut; and rows that lie side by side fit here however they are cut."""
STORED = 4
"""Channels of a pixel in the buffer, and on rk3562 of a kernel's weights."""
COPIES = {"rk3588": 4}
"""How often a pixel of 3 or 4 channels takes up that room."""
AFFECTED = (*MOST_COLUMNS, *CUT)


class ImageRows(ImageRule):
    """A Conv on an input of 1, 3 or 4 channels whose rows do not fit into the on-chip buffer.

    ## What happens

    The compiler ends its process:

        E RKNN: failed to tile argb mode layer!

    On RK3588:

        E RKNN: Feature is too large

    ## Why

    A Conv that reads an input of the model with so few channels reads it pixel by pixel, as images come from a camera.
    Then the compiler of rk3562 cuts no columns: a window of whole rows, 4 channels a pixel, has to fit beside the
    weights, or beside two banks of them, and a row has 4095 columns at most. That of rk3588 cuts rows of over 2048
    columns, and others where the rows of a window lie side by side. Of dilated rows a window has to fit; of 3 or 4
    channels it takes four times as much.

    ## Example

    `Conv` 3x3 on 1x3x8x6164; 16x16 with strides of 16 on 1x3x224x1800. On rk3588 `Conv` 18x18 with a dilation of 6 on
    1x3x160x320.

    ## What rkmend does

    * `copied-image`: reads a copy of the image, its maximum with itself, which is stored like any other feature map.

    ## Exactness and its limits

    Exact. The copy takes some more time: its channels are padded to those that the NPU stores together.

    ## Evidence

    Own trials with toolkit 2.3.2, rk3562: of kernels of up to 6 rows 4095 columns convert and 4096 do not, in fp16 and
    int8; in fp16 8, 10, 12 and 16 rows convert up to 3584, 2864, 2384 and 1792 columns, in int8 16 up to twice as many,
    with weights of two banks and more 16 rows up to 1536 (twice as many in int8), and dilated rows as many as they
    extend over: 60 limits, all as said here, whatever the strides and the height. Kernels of 1x1, of over 16 taps
    without dilation (which the toolkit cuts), dilations over 31, padding over 15, depth-wise ones, 2 and 5 channels and
    inputs that another operator reads as well convert; behind Mul, Div or BatchNormalization, which become part of the
    Conv, they fail, behind others they convert. On rk3588, rk3576 and rk3566 3x3 on 8000 columns converts.

    On rk3588, in 28 limits and 60 other trials, all as said here: windows of 17, 33 and 49 dilated rows of 3 channels
    convert up to 656, 336 and 224 columns (in int8 33 rows up to twice as many), with two banks of weights 33 up to
    304, and 5 rows at any width; of one channel 25, 33 and 51 rows up to 1800, 1360 and 880 columns, and 22 at any
    width. Dilated columns do not matter; groups do not spare it, depth-wise ones and a Relu before it do.
    """

    code = "RKM125"
    name = "image-rows-beyond-buffer"
    level = Level.ERROR
    affected = AFFECTED

    def fails(self, geometry: ConvGeometry, target: Target) -> Mapping[str, Fact] | None:
        """A row or a window that does not fit."""
        if not _is_read_at_once(geometry) or _fits(geometry, target):
            return None
        return {"columns": geometry.width, "rows": geometry.rows.extent, "channels": geometry.channels}

    def message(self, node: ir.Node, facts: Mapping[str, Fact]) -> str:
        """How large the window is."""
        return (
            f"Conv '{node.name}' reads an image of {facts['channels']} channels, of which {facts['rows']} rows of "
            f"{facts['columns']} columns do not fit into the NPU's buffer."
        )


def _is_read_at_once(geometry: ConvGeometry) -> bool:
    """Whether it is more than a product with each pixel, and the toolkit neither cuts it nor pads the map itself."""
    axes = (geometry.rows, geometry.cols)
    return max(axis.kernel for axis in axes) > 1 and all(map(_is_kept, axes))


def _is_kept(axis: Axis) -> bool:
    cut = axis.dilation == 1 and axis.kernel > LONGEST_PART
    return not cut and axis.dilation <= MAX_DILATION and max(axis.pad_begin, axis.pad_end) <= MAX_PAD


def _fits(geometry: ConvGeometry, target: Target) -> bool:
    """Whether a window of whole rows does, beside all weights or two banks of them."""
    if geometry.width > MOST_COLUMNS.get(target.name, geometry.width):
        return False
    rows, cut = geometry.rows, CUT.get(target.name)
    if cut and rows.dilation == 1:
        return True
    cbuf, element = buffer_of(target), widest_element(target)
    of_tap = rounded(geometry.channels * element, target.atom_bytes) if cut else STORED * element
    kernels = geometry.out_channels * geometry.kernel_h * geometry.kernel_w
    weights = min(2, -(-kernels * of_tap // cbuf.bank_bytes))
    columns = min(geometry.width, cut or geometry.width)
    entries = min(rows.extent, geometry.height) * -(-columns * STORED * element // cbuf.entry_bytes)
    copies = 1 if geometry.channels == 1 else COPIES.get(target.name, 1)
    return entries * copies <= (cbuf.banks - weights) * cbuf.entries_per_bank
