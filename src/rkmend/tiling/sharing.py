"""Sharing: how the compiler cuts the rows of a Conv into bands for one core and into pieces for several.

Source: own trials with toolkit 2.3.2, rk3588. Where a layer is padded beyond its kernel, the compiler aborts when a
band or a piece holds nothing but padding, and prints for how many cores it was cutting; so the cuts can be told from
the layers that abort. They were found on 1,965 small Convs (kernels 1 to 4, strides 1 to 7, dilations 1 to 4, up to 30
rows), 720 of up to 14 rows that one core holds 3 to 6 of, and 340 depth-wise ones (16 to 500 channels, fp16 and int8):
all died or converted as computed here, and those that died did so for the number of cores computed here. Of 400 large
ones (to 1200 channels, 1500 columns) 392 did; most others are cut into narrow tiles, or taken apart along channels. Of
1,400 Convs whose kernel groups take 5 to 11 of the 12 banks (3 to 20 rows, 8 to 64 outputs) 1,379 did.

The compiler is not deterministic: what is said to die did so every time, but of 384 channels, width 1198, some heights
that are said to convert (2 and 11 with 128 outputs, 10 and 14 with 96) died in one to three of five runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rkmend.targets import Target
from rkmend.tiling.bands import held, kernel_group, rows_alone, rows_per_band, streams_halves
from rkmend.tiling.conv import Axis, ConvGeometry
from rkmend.tiling.storage import is_depthwise

NARROW_FIRST = 3
"""Leading rows of nothing but padding that a map cut into narrow tiles has room for: of 116 Convs of 384x12x28 to
384x40x28 with 7x4 kernels, all that had more died on one core.
"""


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
        return min(self.largest - leading_dead(rows), self.smallest - rows.dead_end)


def leading_dead(rows: Axis) -> int:
    """Leading outputs before the input: to the compiler an output takes up a stride that is longer than its window."""
    return max(0, (rows.pad_begin - max(rows.extent, rows.stride)) // rows.stride + 1)


def counted(rows: Axis) -> int:
    """Outputs that the compiler takes for live, and cuts for.

    It counts those before the input, but estimates those behind it: as many as windows fit side by side into the
    padding that is reached.
    """
    return rows.outputs - rows.dead_begin - rows.trimmed().pad_end // rows.extent


def row_sharings(geometry: ConvGeometry, element_bytes: int, target: Target) -> Iterator[Sharing]:
    """The cuts along the rows; the compiler makes a version of a layer for 2 cores, for 3, ... up to all.

    There is none for a number of cores that share the output channels out, nor where there are fewer rows than pieces,
    fewer rows that it takes for live than cores, or a window that is higher than the map.

    Args:
        geometry: Ungrouped or depth-wise.
        element_bytes: 2 for fp16, 1 for int8.
        target: Its buffer is known.
    """
    rows, band = geometry.rows, rows_per_band(geometry, element_bytes, target)
    if rows.size < rows.extent:
        return
    for count in range(2, min(target.cores, counted(rows)) + 1):
        pieces = count * -(-rows.outputs // (count * band))
        if pieces <= rows.outputs and not shares_channels(geometry, count, element_bytes, target):
            yield Sharing(count, pieces, -(-rows.outputs // pieces), rows.outputs // pieces)


def starves(geometry: ConvGeometry, element_bytes: int, target: Target) -> bool:
    """Whether a band or a piece holds nothing but padding, so that the compiler dies of it.

    Args:
        geometry: Ungrouped or depth-wise; its strides fit into their register.
        element_bytes: 2 for fp16, 1 for int8.
        target: Its buffer is known.
    """
    rows, fits = geometry.rows, held(geometry, element_bytes, target)
    if fits.rows < min(rows.extent, rows.size):
        return False
    return (
        rows.outputs <= max(leading_dead(rows), rows.dead_end)
        or (fits.narrowed and leading_dead(rows) > NARROW_FIRST)
        or _starves_alone(rows, rows_alone(geometry, element_bytes, target))
        or any(cut.live_rows(rows) < 1 for cut in row_sharings(geometry, element_bytes, target))
    )


def _starves_alone(rows: Axis, room: int) -> bool:
    """Whether a single core that holds `room` input rows begins a band behind the input.

    Padding at the top that is as high as the map breaks its bands in other ways.
    """
    if room >= rows.size:
        return False
    if rows.pad_begin >= rows.size:
        return True
    first = (room + rows.pad_begin - rows.extent) // rows.stride + 1
    step = max(1, (room - rows.extent) // rows.stride + 1)
    return any(row >= rows.outputs - rows.dead_end for row in range(max(1, first), counted(rows), step))


def shares_channels(geometry: ConvGeometry, cores: int, element_bytes: int, target: Target) -> bool:
    """Whether the output channels are shared out among so many cores, and not the rows; never of a depth-wise Conv.

    Each core needs a full group of them, and there are as many for each, or more than the buffer holds. Of 70 Convs of
    192 to 900 channels (fp16 and int8) all that had fewer full groups than cores died with their rows shared out,
    whether or not their weights fit into the buffer.
    """
    full, rest = divmod(geometry.out_channels, kernel_group(element_bytes, target))
    if is_depthwise(geometry) or full < cores:
        return False
    if (full + bool(rest)) % cores == 0:
        return True
    fits = held(geometry, element_bytes, target)
    return fits.streamed and not streams_halves(geometry, element_bytes, target)
