"""Tiles of a Conv: parts of its channels, and tiles along the width that ask for more columns than there is room for.

Source: own trials with toolkit 2.3.2, rk3588. Of 454 Convs of 26 kinds, whose strides and paddings were varied, the
room that the tiles have follows from those that end with `Feature is too large`: all layers of 22 kinds, and all but
one of another, do as computed here. Windows of 1 or 2 rows often convert where it is said that they do not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from rkmend.targets import Target
from rkmend.tiling.bands import (
    CHUNK,
    PART,
    buffer_of,
    kernel_group,
    resident_weights,
    row_entries,
    streamed_banks,
    streams_halves,
)
from rkmend.tiling.conv import ConvGeometry
from rkmend.tiling.storage import is_depthwise, rounded


def channels_beside_features(taps: int, element_bytes: int, target: Target) -> int:
    """Channels, in whole parts, of which the weights of a kernel group leave one bank for features; 0 if none do."""
    cbuf, group = buffer_of(target), kernel_group(element_bytes, target)
    return (cbuf.banks - 1) * cbuf.bank_bytes // (group * taps * element_bytes) // PART * PART


def channel_parts(geometry: ConvGeometry, element_bytes: int, target: Target) -> Iterator[ConvGeometry]:
    """The Convs that are added up where the weights of a kernel group leave no bank for features.

    As few as may be: all alike where that gives whole parts, otherwise as large as may be and what is left. Source: the
    layer tables of 130 Convs of 340 to 1600 channels, toolkit 2.3.2, rk3588, fp16 and int8.

    Args:
        geometry: Ungrouped or depth-wise; a depth-wise one is never taken apart so.
        element_bytes: 2 for fp16, 1 for int8.
        target: Its buffer is known.
    """
    most = channels_beside_features(geometry.kernel_h * geometry.kernel_w, element_bytes, target)
    if is_depthwise(geometry) or most < 1:
        yield geometry
        return
    alike, rest = divmod(geometry.channels, PART * -(-geometry.channels // most))
    size = most if rest else alike * PART
    for first in range(0, geometry.channels, size):
        yield replace(geometry, channels=min(size, geometry.channels - first))


def overreaches(geometry: ConvGeometry, element_bytes: int, target: Target) -> bool:
    """Whether a Conv is cut along the width into tiles that take up more columns than fit.

    A tile has as many outputs as the columns that fit allow. Its columns are then counted anew from its outputs, each
    of which takes up its stride, as if the kernel were at least as long; the first one has the padding besides. Several
    cores compute a depth-wise Conv in halves of its channels instead, if two output rows of a half fit, and no tile
    holds all rows.

    Args:
        geometry: Ungrouped or depth-wise; its strides fit into their register.
        element_bytes: 2 for fp16, 1 for int8.
        target: Its buffer is known.
    """
    rows, cols, cbuf = geometry.rows, geometry.cols, buffer_of(target)
    weights = _weights_beside(geometry, element_bytes, target)
    if cols.stride <= cols.extent or weights is None:
        return False
    window, room = min(rows.extent, rows.size), (cbuf.banks - weights) * cbuf.entries_per_bank

    def taken(columns: int, channels: int = geometry.channels) -> int:
        return row_entries(columns, channels, element_bytes, target)

    if taken(cols.size) * window <= room or (cbuf.row_entries and cbuf.row_entries < room // window):
        return False  # not cut, or because a row is too long, not for want of room
    width = max(columns for columns in range(cols.size) if taken(columns) * window <= room)
    count = min(cols.outputs, (width + cols.pad_begin - cols.extent) // cols.stride + 1)
    if count < 1:
        return False
    first = taken(min(cols.size, count * cols.stride - cols.pad_begin)) * window > room
    if not is_depthwise(geometry):
        inner = (width - cols.extent) // cols.stride + 1
        return first or (0 < inner < cols.outputs - count and taken(inner * cols.stride) * window > room)
    seen = (count - 1) * cols.stride + cols.extent - cols.pad_begin
    half = rounded(-(-geometry.channels // 2), CHUNK)
    halved = taken(seen) * rows.size > room and room // taken(cols.size, half) >= rows.extent + rows.stride
    return first and not halved


def _weights_beside(geometry: ConvGeometry, element_bytes: int, target: Target) -> int | None:
    """Banks of weights beside the tiles; None where they leave none for features.

    The only core of a target was seen to hold what spares most, of kernels 1x1; one of several streams the groups of
    kernels, but for those that are halved no cut is known.
    """
    weights = resident_weights(geometry, element_bytes, target)
    if not weights or is_depthwise(geometry) or target.cores == 1:
        return min(weights, default=None)
    halved = streams_halves(geometry, element_bytes, target)
    return None if halved else streamed_banks(geometry, element_bytes, target)
