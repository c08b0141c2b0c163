"""Sharing: how the compiler cuts a Conv into pieces for several cores.

Source: own trials with toolkit 2.3.2, rk3588. Where a layer is padded beyond its kernel, the compiler aborts exactly
when a piece is left with nothing but padding and prints for how many cores it was cutting; so the pieces can be told
from the heights and channel counts that abort. Of 449 random Convs (kernels 1 to 3, stride 1, up to 384x126x1198, fp16)
440 did as computed here; of 520 random Convs padded beyond their kernel (kernels to 36, strides to 10, fp16 and int8)
519; of 80 with weights that are streamed through the buffer 75, and of 70 whose window fits beside no group of kernels
58.

The compiler is not deterministic: what is said to die did so every time, but of 384 channels, width 1198, some heights
that are said to convert (2 and 11 with 128 outputs, 10 and 14 with 96) died in one to three of five runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rkmend.targets import Target
from rkmend.tiling.bands import held, is_streamed, kernel_group, rows_per_band
from rkmend.tiling.conv import Axis, ConvGeometry
from rkmend.tiling.storage import is_depthwise

NARROW_FIRST, NARROW_LAST = 3, 1
"""Rows of nothing but padding that the first and the last band of a map cut into narrow tiles have room for: of 116
Convs of 384x12x28 to 384x40x28 with 7x4 kernels, all that had more at the bottom died on one core; likewise at the top.
"""
LONGEST_STRIDE = 7
"""A longer one is taken apart before the Conv is cut."""


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

    There is none for a number of cores that share the output channels out, nor where there are fewer strides in the
    input than cores or fewer rows than pieces. A Conv without output rows has no cuts.

    Args:
        geometry: Ungrouped or depth-wise.
        element_bytes: 2 for fp16, 1 for int8.
        target: Its buffer is known.
    """
    band, outputs = rows_per_band(geometry, element_bytes, target), geometry.rows.outputs
    steps = -(-geometry.height // geometry.stride_h)
    for count in range(2, target.cores + 1):
        pieces = count * -(-outputs // (count * band))
        if (
            shares_channels(geometry, count, element_bytes, target)
            or steps < count
            or not 0 < pieces <= outputs
        ):
            continue
        yield Sharing(count, pieces, -(-outputs // pieces), outputs // pieces)


def starves(geometry: ConvGeometry, element_bytes: int, target: Target) -> bool:
    """Whether a piece holds nothing but padding, so that the compiler dies of it.

    That is the first or the last one of a cut for several cores, the first or last band of a map that one core does not
    hold at once, or all there is.

    Where the stride is longer than the window it dies of a last piece that is a single row, where it is longer than a
    register takes of an empty band alone.

    Args:
        geometry: Ungrouped or depth-wise.
        element_bytes: 2 for fp16, 1 for int8.
        target: Its buffer is known.
    """
    rows, fits = geometry.rows, held(geometry, element_bytes, target)
    if fits.rows < min(rows.extent, rows.size):
        return False
    if fits.narrowed:
        banded = rows.dead_begin > NARROW_FIRST or rows.dead_end > NARROW_LAST
    else:
        band = rows_per_band(geometry, element_bytes, target)
        banded = fits.rows < rows.size and band <= max(rows.dead_begin, rows.dead_end)
    if banded or rows.stride > LONGEST_STRIDE:
        return banded
    cuts = row_sharings(geometry, element_bytes, target)
    if rows.stride > rows.extent:
        return any(cut.smallest == 1 <= rows.dead_end for cut in cuts)
    return rows.live < 1 or any(cut.live_rows(rows) < 1 for cut in cuts)


def shares_channels(geometry: ConvGeometry, cores: int, element_bytes: int, target: Target) -> bool:
    """Whether the output channels are shared out among so many cores, and not the rows."""
    group = kernel_group(element_bytes, target) * (2 if is_depthwise(geometry) else 1)
    if geometry.out_channels < group * cores:
        return False
    uneven = -(-geometry.out_channels // group) % cores
    if is_depthwise(geometry):
        return not uneven and held(geometry, element_bytes, target).rows >= geometry.height
    return not uneven or is_streamed(geometry, element_bytes, target)
