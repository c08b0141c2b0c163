"""Sharing: how the compiler cuts a Conv into pieces for several cores.

Source: own trials with toolkit 2.3.2, rk3588, fp16. Where a layer is padded beyond its kernel at the bottom, the
compiler aborts exactly when a piece is left with nothing but padding and prints for how many cores it was cutting;
so the pieces can be told from the heights and channel counts that abort: of 449 random Convs (kernels 1 to 3, stride
1, up to 384x126x1198) 440 did as computed here. Not covered: kernels of 5 and more, strides beyond the kernel, and
weights of more than two banks on a small feature map, where output channels may be shared out instead. And the compiler
is not deterministic: what is said to die did so every time, but of 384 channels, width 1198, some heights that are said
to convert (2 and 11 with 128 outputs, 10 and 14 with 96) died in one to three of five runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rkmend.targets import Target
from rkmend.tiling.bands import buffer_of, kernel_group, rows_held, rows_per_band, weight_banks
from rkmend.tiling.conv import Axis, ConvGeometry
from rkmend.tiling.storage import is_depthwise


@dataclass(frozen=True)
class Sharing:
    """The output rows of a Conv, cut into pieces of nearly equal height, the higher ones first.

    Attributes:
        cores: Among which the pieces are shared out.
        pieces: A multiple of `cores`.
        largest: Rows of the first piece.
        smallest: Rows of the last piece.
    """

    cores: int
    pieces: int
    largest: int
    smallest: int

    def live_rows(self, rows: Axis) -> int:
        """Rows that see the input in the piece with the fewest of them; 0 or less where there is none at all."""
        return min(self.largest - rows.dead_begin, self.smallest - rows.dead_end)


def row_sharings(geometry: ConvGeometry, element_bytes: int, target: Target) -> Iterator[Sharing]:
    """The cuts along the rows; the compiler makes a version of a layer for 2 cores, for 3, ... up to all.

    There is none for a number of cores that divides the groups of output channels (they are shared out then),
    nor where there are fewer strides in the input than cores. A Conv without output rows has no cuts.

    Args:
        geometry: Ungrouped or depth-wise.
        element_bytes: 2 for fp16, 1 for int8.
        target: Its buffer is known.
    """
    band = rows_per_band(geometry, element_bytes, target)
    outputs = geometry.rows.outputs
    if outputs < 1:
        return
    for count in range(2, target.cores + 1):
        steps = -(-geometry.height // geometry.stride_h)
        if shares_channels(geometry, count, element_bytes, target) or steps < count:
            continue
        pieces = count * -(-outputs // (count * band))
        yield Sharing(count, pieces, -(-outputs // pieces), max(1, outputs // pieces))


def starves(geometry: ConvGeometry, element_bytes: int, target: Target) -> bool:
    """Whether a piece holds nothing but padding, so that the compiler dies of it: the last piece of a cut for several
    cores, or the first band of a map that one core does not hold at once.

    Own trials, 2.3.2, rk3588: of 670 random Convs padded beyond their kernel (half of them depth-wise, kernels 1 to
    36, strides 1 to 14), 41 were said to die and 37 did; 42 died in all. Where a window does not fit into the
    buffer, or the weights do not, the cut is another one and nothing is said.

    Args:
        geometry: Ungrouped or depth-wise.
        element_bytes: 2 for fp16, 1 for int8.
        target: Its buffer is known.
    """
    streamed = weight_banks(geometry, element_bytes, target) >= buffer_of(target).banks - 1
    if streamed and not is_depthwise(geometry):
        return False
    rows, held = geometry.rows, rows_held(geometry, element_bytes, target)
    if held < rows.extent:
        return False
    if held < geometry.height and 0 < rows_per_band(geometry, element_bytes, target) <= rows.dead_begin:
        return True
    return any(cut.smallest <= rows.dead_end for cut in row_sharings(geometry, element_bytes, target))


def shares_channels(geometry: ConvGeometry, cores: int, element_bytes: int, target: Target) -> bool:
    """Whether the output channels are shared out among so many cores, and not the rows."""
    group = kernel_group(element_bytes, target) * (2 if is_depthwise(geometry) else 1)
    return -(-geometry.out_channels // group) % cores == 0 and geometry.out_channels >= group * cores
