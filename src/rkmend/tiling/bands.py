"""Row bands: how many rows of a Conv fit into the on-chip buffer at once.

Source: public measurements of layer programs (entries of a row, rounding per row) and own trials: 50 Convs of
16 to 1024 channels and output channels and widths of 40 to 2000, 1x1, fp16, rk3588, 2.3.2, whose rows per band
follow from the heights at which they abort (see RKM101); all 50 as computed here.
"""

from __future__ import annotations

from rkmend.targets import Cbuf, Target
from rkmend.tiling.conv import ConvGeometry
from rkmend.tiling.storage import is_depthwise, rounded

DTYPES = {1: "int8", 2: "fp16"}
PART = 32
"""A depth-wise Conv is computed in parts of a multiple of so many channels."""


def buffer_of(target: Target) -> Cbuf:
    """The on-chip buffer.

    Raises:
        ValueError: It is not known.
    """
    if target.cbuf is None:
        raise ValueError(f"the on-chip buffer of {target.name} is not known")
    return target.cbuf


def row_entries(width: int, channels: int, element_bytes: int, target: Target) -> int:
    """Buffer entries that one feature map row takes; rounded per row."""
    cbuf = buffer_of(target)
    pixel = rounded(channels * element_bytes, target.atom_bytes)
    whole, rest = divmod(pixel, cbuf.entry_bytes)
    if rest == 3 * cbuf.entry_bytes // 4:
        return width * (whole + 1)  # three quarters of an entry are not packed
    return width * whole + -(-width * rest // cbuf.entry_bytes)


def width_tiles(width: int, channels: int, element_bytes: int, target: Target) -> int:
    """Tiles along the width: as few as keep a row within the buffer's limit for one row."""
    cbuf = buffer_of(target)
    if cbuf.row_entries is None:
        return 1
    pixel = rounded(channels * element_bytes, target.atom_bytes)
    widest = max(1, cbuf.row_entries * cbuf.entry_bytes // pixel)
    return -(-width // widest)


def weight_banks(geometry: ConvGeometry, element_bytes: int, target: Target) -> int:
    """Banks that all weights take; more than there are when the weights are streamed."""
    if is_depthwise(geometry):
        taps = geometry.kernel_h * geometry.kernel_w
        size = taps * rounded(geometry.channels * element_bytes, target.atom_bytes)
        return -(-size // buffer_of(target).bank_bytes)
    kernels = rounded(geometry.out_channels, kernel_group(element_bytes, target))
    return -(-kernels * kernel_bytes(geometry, element_bytes, target) // buffer_of(target).bank_bytes)


def kernel_bytes(geometry: ConvGeometry, element_bytes: int, target: Target) -> int:
    """Bytes in the buffer of the weights of one output channel."""
    taps = geometry.kernel_h * geometry.kernel_w
    return taps * rounded(geometry.channels // geometry.groups * element_bytes, target.atom_bytes)


def kernel_group(element_bytes: int, target: Target) -> int:
    """Output channels that are computed together."""
    return target.mac[DTYPES[element_bytes]].kernels


def rows_held(geometry: ConvGeometry, element_bytes: int, target: Target) -> int:
    """Input rows that the buffer holds at once beside all weights; fewer than a window has where it does not fit.

    A depth-wise Conv is computed in parts of its channels where a window would not fit otherwise.

    Args:
        geometry: Ungrouped or depth-wise.
        element_bytes: 2 for fp16, 1 for int8.
        target: Whose buffer, of one core.
    """
    cbuf = buffer_of(target)
    tile = -(-geometry.width // width_tiles(geometry.width, geometry.channels, element_bytes, target))
    data_banks = max(1, cbuf.banks - weight_banks(geometry, element_bytes, target))
    channels = geometry.channels
    while True:
        rows = data_banks * cbuf.entries_per_bank // row_entries(tile, channels, element_bytes, target)
        if rows >= geometry.rows.extent or channels <= PART or not is_depthwise(geometry):
            return rows
        channels = rounded(channels // 2, PART)


def rows_per_band(geometry: ConvGeometry, element_bytes: int, target: Target) -> int:
    """Output rows that one task computes at most; at least 1.

    Args:
        geometry: Ungrouped or depth-wise.
        element_bytes: 2 for fp16, 1 for int8.
        target: Whose buffer, of one core.
    """
    held = rows_held(geometry, element_bytes, target)
    return max(1, (held - geometry.rows.extent) // geometry.stride_h + 1)
