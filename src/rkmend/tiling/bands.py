"""Row bands: how many rows of a Conv fit into the on-chip buffer at once.

Source: public measurements of layer programs (entries of a row, rounding per row) and own trials: 50 Convs of
16 to 1024 channels and output channels and widths of 40 to 2000, 1x1, fp16, rk3588, 2.3.2, whose rows per band
follow from the heights at which they abort (see RKM101); all 50 as computed here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

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


@dataclass(frozen=True)
class Held:
    """What the buffer of one core holds at once.

    Attributes:
        rows: Input rows, beside weights; fewer than a window has where nothing makes it fit.
        width: Columns of them.
        channels: Of them; fewer than there are of a depth-wise Conv that is computed in parts.
        narrowed: Whether rows are cut only because no window of whole rows fits beside the weights of a kernel group.
    """

    rows: int
    width: int
    channels: int
    narrowed: bool


def held(geometry: ConvGeometry, element_bytes: int, target: Target) -> Held:
    """What the buffer holds: all weights if a window of whole rows fits beside them, else those of one kernel group.

    Where not even that leaves room for a window, the map is cut into narrower tiles. A depth-wise Conv is computed in
    parts of its channels instead. Source of the order: own trials, see `sharing`.

    Args:
        geometry: Ungrouped or depth-wise.
        element_bytes: 2 for fp16, 1 for int8.
        target: Whose buffer, of one core.
    """
    cbuf, window = buffer_of(target), min(geometry.rows.extent, geometry.height)
    weights, rows, first = _resident_weights(geometry, element_bytes, target), 0, geometry.width
    for number, (width, channels) in enumerate(_parts(geometry, element_bytes, target)):
        first = width if number == 0 else first
        entries = row_entries(width, channels, element_bytes, target)
        for banks in weights:
            rows = max(1, cbuf.banks - banks) * cbuf.entries_per_bank // entries
            if rows >= window:
                return Held(rows, width, channels, width < first)
    return Held(rows, width, channels, width < first)


def _resident_weights(geometry: ConvGeometry, element_bytes: int, target: Target) -> list[int]:
    """Banks of weights that may be held at once, the better choice first; all of them leave two for features."""
    whole = weight_banks(geometry, element_bytes, target)
    if is_depthwise(geometry):
        return [whole]
    banks, bank_bytes = buffer_of(target).banks, buffer_of(target).bank_bytes
    kernel, group = kernel_bytes(geometry, element_bytes, target), kernel_group(element_bytes, target)
    if group * kernel > (banks - 1) * bank_bytes:
        return []  # such a Conv is taken apart along its channels before it is cut
    one = -(-min(geometry.out_channels, group) * kernel // bank_bytes)
    return [size for size, most in ((whole, banks - 2), (one, banks - 1)) if size <= most]


def _parts(geometry: ConvGeometry, element_bytes: int, target: Target) -> Iterator[tuple[int, int]]:
    """Width and channels of what is computed at once, the larger first."""
    channels, cols = geometry.channels, geometry.cols
    least = width_tiles(geometry.width, channels, element_bytes, target)
    width = -(-geometry.width // least)
    yield width, channels
    if is_depthwise(geometry):
        while channels > PART:
            channels = rounded(channels // 2, PART)
            yield width, channels
        return
    for tiles in range(least + 1, cols.outputs + 1):
        outputs = -(-cols.outputs // tiles)
        yield min(width, (outputs - 1) * cols.stride + cols.extent), channels


def is_streamed(geometry: ConvGeometry, element_bytes: int, target: Target) -> bool:
    """Whether the buffer cannot hold all weights beside a window of whole rows."""
    cbuf, window = buffer_of(target), min(geometry.rows.extent, geometry.height)
    width, channels = next(_parts(geometry, element_bytes, target))
    needed = -(-window * row_entries(width, channels, element_bytes, target) // cbuf.entries_per_bank)
    return weight_banks(geometry, element_bytes, target) + needed > cbuf.banks


def rows_per_band(geometry: ConvGeometry, element_bytes: int, target: Target) -> int:
    """Output rows that one task computes at most; at least 1.

    Args:
        geometry: Ungrouped or depth-wise.
        element_bytes: 2 for fp16, 1 for int8.
        target: Whose buffer, of one core.
    """
    rows = held(geometry, element_bytes, target).rows
    return max(1, (rows - geometry.rows.extent) // geometry.stride_h + 1)
