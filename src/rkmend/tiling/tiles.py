"""Tiles of a Conv: parts of its channels, and tiles along the width that ask for more columns than there is room for.

Source: own trials with toolkit 2.3.2, rk3588. Of 6,719 Convs and depth-wise Convs, 1,700 of them about the limits, 753
end with `Feature is too large`: all of them as computed here, with one false alarm.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from rkmend.targets import Target
from rkmend.tiling.bands import CHUNK, PART, buffer_of, kernel_group, resident_weights, row_entries
from rkmend.tiling.conv import ConvGeometry
from rkmend.tiling.storage import is_depthwise, rounded


def channel_parts(geometry: ConvGeometry, element_bytes: int, target: Target) -> Iterator[ConvGeometry]:
    """The Convs that are added up where the weights of a kernel group leave no bank for features.

    Args:
        geometry: Ungrouped or depth-wise; a depth-wise one is never taken apart so.
        element_bytes: 2 for fp16, 1 for int8.
        target: Its buffer is known.
    """
    cbuf, taps = buffer_of(target), geometry.kernel_h * geometry.kernel_w
    group = kernel_group(element_bytes, target)
    most = (cbuf.banks - 1) * cbuf.bank_bytes // (group * taps * element_bytes) // PART * PART
    if is_depthwise(geometry) or most < 1:
        yield geometry
        return
    for first in range(0, geometry.channels, most):
        yield replace(geometry, channels=min(most, geometry.channels - first))


def overreaches(geometry: ConvGeometry, element_bytes: int, target: Target) -> bool:
    """Whether a Conv is cut along the width into tiles that take up more columns than fit.

    A tile has as many outputs as the columns that fit allow. Its columns are then counted anew from its outputs, each
    of which takes up its stride, as if the kernel were at least as long. Several cores compute a depth-wise Conv in
    halves of its channels instead, if two output rows of a half fit, and no tile holds all rows.

    Args:
        geometry: Ungrouped or depth-wise; its strides fit into their register.
        element_bytes: 2 for fp16, 1 for int8.
        target: Its buffer is known.
    """
    rows, cols, cbuf = geometry.rows, geometry.cols, buffer_of(target)
    weights = resident_weights(geometry, element_bytes, target)
    if cols.stride <= cols.extent or not weights:
        return False
    window = min(rows.extent, rows.size)

    def taken(columns: int, channels: int = geometry.channels) -> int:
        return row_entries(columns, channels, element_bytes, target)

    beside = (
        weights[0] if target.cores > 1 else min(weights)
    )  # what a single core was seen to do, of kernels 1x1
    most, room = ((cbuf.banks - banks) * cbuf.entries_per_bank for banks in (min(weights), beside))
    if taken(cols.size) * window <= most or (cbuf.row_entries and cbuf.row_entries < most // window):
        return False  # not cut, or because a row is too long, not for want of room
    width = max(columns for columns in range(cols.size) if taken(columns) * window <= room)
    count = min(cols.outputs, (width + cols.pad_begin - cols.extent) // cols.stride + 1)
    if count < 1 or taken(min(cols.size, count * cols.stride - cols.pad_begin)) * window <= room:
        return False
    if not is_depthwise(geometry):
        return True
    seen = (count - 1) * cols.stride + cols.extent - cols.pad_begin
    half = rounded(-(-geometry.channels // 2), CHUNK)
    return taken(seen) * rows.size <= room or room // taken(cols.size, half) < rows.extent + rows.stride
