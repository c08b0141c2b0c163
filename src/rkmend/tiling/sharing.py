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

from rkmend.targets import Cbuf
from rkmend.tiling.bands import kernel_group, rows_per_band
from rkmend.tiling.conv import Axis, ConvGeometry


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


def row_sharings(geometry: ConvGeometry, cores: int, element_bytes: int, cbuf: Cbuf) -> Iterator[Sharing]:
    """The cuts along the rows; the compiler makes a version of a layer for 2 cores, for 3, ... up to all.

    There is none for a number of cores that divides the groups of output channels (they are shared out then),
    nor where there are fewer input rows than cores. A Conv without output rows has no cuts.

    Args:
        geometry: Ungrouped.
        cores: Of the target.
        element_bytes: 2 for fp16, 1 for int8.
        cbuf: Of one core.
    """
    group = kernel_group(element_bytes)
    groups = -(-geometry.out_channels // group)
    band = rows_per_band(geometry, element_bytes, cbuf)
    outputs = geometry.rows.outputs
    if outputs < 1:
        return
    for count in range(2, cores + 1):
        by_channels = groups % count == 0 and geometry.out_channels >= group * count
        if by_channels or geometry.height < count:
            continue
        pieces = count * -(-outputs // (count * band))
        yield Sharing(count, pieces, -(-outputs // pieces), max(1, outputs // pieces))
