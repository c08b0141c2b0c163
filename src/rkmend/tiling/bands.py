"""Row bands: how many rows of a Conv fit into the on-chip buffer at once.

Source: public measurements of layer programs (entries of a row, rounding per row) and own trials: 50 Convs of
16 to 1024 channels and output channels and widths of 40 to 2000, 1x1, fp16, rk3588, 2.3.2, whose rows per band
follow from the heights at which they abort (see RKM101); all 50 as computed here.
"""

from __future__ import annotations

from rkmend.targets import Cbuf
from rkmend.tiling.conv import ConvGeometry

CHANNEL_BYTES = 16
"""Channels are stored in groups of this many bytes."""


def row_entries(width: int, channels: int, element_bytes: int, cbuf: Cbuf) -> int:
    """Buffer entries that one feature map row takes; rounded per row."""
    pixel = _rounded(channels * element_bytes, CHANNEL_BYTES)
    whole, rest = divmod(pixel, cbuf.entry_bytes)
    if rest == 3 * cbuf.entry_bytes // 4:
        return width * (whole + 1)  # three quarters of an entry are not packed
    return width * whole + -(-width * rest // cbuf.entry_bytes)


def width_tiles(width: int, channels: int, element_bytes: int, cbuf: Cbuf) -> int:
    """Tiles along the width: as few as keep a row within the buffer's limit for one row."""
    pixel = _rounded(channels * element_bytes, CHANNEL_BYTES)
    widest = max(1, cbuf.row_entries * cbuf.entry_bytes // pixel)
    return -(-width // widest)


def weight_banks(geometry: ConvGeometry, element_bytes: int, cbuf: Cbuf) -> int:
    """Banks that all weights take; more than there are when the weights are streamed."""
    per_kernel = _rounded(geometry.channels // geometry.groups * element_bytes, CHANNEL_BYTES)
    kernels = _rounded(geometry.out_channels, kernel_group(element_bytes))
    return -(-kernels * per_kernel * geometry.kernel_h * geometry.kernel_w // cbuf.bank_bytes)


def kernel_group(element_bytes: int) -> int:
    """Output channels that are computed together: 16 in fp16, 32 in int8."""
    return 32 // element_bytes


def rows_per_band(geometry: ConvGeometry, element_bytes: int, cbuf: Cbuf) -> int:
    """Output rows that one task computes at most; at least 1.

    Args:
        geometry: Ungrouped.
        element_bytes: 2 for fp16, 1 for int8.
        cbuf: Of one core.
    """
    tile = -(-geometry.width // width_tiles(geometry.width, geometry.channels, element_bytes, cbuf))
    data_banks = max(1, cbuf.banks - weight_banks(geometry, element_bytes, cbuf))
    entries = row_entries(tile, geometry.channels, element_bytes, cbuf)
    rows_in = data_banks * cbuf.entries_per_bank // entries
    return max(1, (rows_in - geometry.rows.extent) // geometry.stride_h + 1)


def _rounded(number: int, unit: int) -> int:
    return -(-number // unit) * unit
