"""Row bands: how many rows of a Conv fit into the on-chip buffer at once.

Source: public measurements of layer programs (entries of a row, rounding per row) and own trials: 50 Convs of
16 to 1024 channels and output channels and widths of 40 to 2000, 1x1, fp16, rk3588, 2.3.2, whose rows per band
follow from the heights at which they abort (see RKM101); all 50 as computed here. So do those of 720 Convs of 64
channels, 470 to 938 columns wide.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import ceil

from rkmend.targets import Cbuf, Target
from rkmend.tiling.conv import ConvGeometry
from rkmend.tiling.storage import is_depthwise, rounded

DTYPES = {1: "int8", 2: "fp16"}
PART = 16
"""Several cores compute a depth-wise Conv in parts of a multiple of so many channels."""
CHUNK = 32
"""A single core computes it in multiples of this, unless in pairs of kernel groups."""
AHEAD = 0.68
"""Banks that the next group of kernels takes up beside the one in use where it is a full one; half as many where it is
at most a half one, or where no more are left. Of 26 kinds of Convs that are cut along the width the groups of 8.44
banks took 10, those of 1.31 took 2, and 4.5 beside a half one 5; of 1,400 Convs of groups of 5 to 11 banks that are
padded beyond their kernel (see `sharing`) all but 21 did as is computed with it.
"""


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
    size = geometry.out_channels * kernel_bytes(geometry, element_bytes, target)
    return -(-size // buffer_of(target).bank_bytes)


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
        streamed: Whether the weights are streamed through, since not all fit beside a window.
    """

    rows: int
    width: int
    channels: int
    narrowed: bool
    streamed: bool


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
    whole, first, rows, streamed = weight_banks(geometry, element_bytes, target), geometry.width, 0, True
    for number, (width, channels) in enumerate(_parts(geometry, element_bytes, target)):
        first = width if number == 0 else first
        entries = row_entries(width, channels, element_bytes, target)
        for banks in resident_weights(geometry, element_bytes, target):
            rows = max(1, cbuf.banks - banks) * cbuf.entries_per_bank // entries
            streamed = whole + -(-window * entries // cbuf.entries_per_bank) > cbuf.banks
            if rows >= window:
                if number == 0:
                    rows = max(rows, _whole_map(geometry, entries, element_bytes, target))
                return Held(rows, width, channels, width < first, streamed)
    return Held(rows, width, channels, width < first, streamed)


def rows_alone(geometry: ConvGeometry, element_bytes: int, target: Target) -> int:
    """Input rows that a single core holds: it computes a depth-wise Conv in fewer channels where that spares bands."""
    parts = [geometry]
    if is_depthwise(geometry):
        channels = depthwise_chunk(geometry, element_bytes, target)
        parts.append(replace(geometry, channels=channels, out_channels=channels, groups=channels))
    return max(held(part, element_bytes, target).rows for part in parts)


def depthwise_chunk(geometry: ConvGeometry, element_bytes: int, target: Target) -> int:
    """Channels that a task of a depth-wise Conv computes: as many as leave the map whole, or as few as there may be."""
    cbuf = buffer_of(target)
    unit = 2 * kernel_group(element_bytes, target) if target.depthwise_overhang else CHUNK
    most = -(-geometry.channels // unit)
    for count in range(1, most + 1):
        channels = min(geometry.channels, unit * -(-most // count))
        entries = row_entries(geometry.width, channels, element_bytes, target)
        within = cbuf.row_entries is None or entries <= cbuf.row_entries
        if within and entries * geometry.height <= most_features(cbuf) * cbuf.entries_per_bank:
            break
    return channels


def most_features(cbuf: Cbuf) -> int:
    """Banks that features can get at most; weights keep one."""
    return cbuf.feature_banks[1] if cbuf.feature_banks else cbuf.banks - 1


def resident_weights(geometry: ConvGeometry, element_bytes: int, target: Target) -> list[int]:
    """Banks of weights that may be held at once, the better choice first; all of them leave two for features."""
    whole = weight_banks(geometry, element_bytes, target)
    if is_depthwise(geometry):
        return [whole]
    banks, group = buffer_of(target).banks, _group_banks(geometry, element_bytes, target)
    if kernel_group(element_bytes, target) * kernel_bytes(geometry, element_bytes, target) > (
        (banks - 1) * buffer_of(target).bank_bytes
    ):
        return []  # such a Conv is taken apart along its channels before it is cut
    # the only core of a target was seen to hold what spares most, of kernels 1x1
    least = streamed_banks(geometry, element_bytes, target) if target.cores > 1 else group
    sizes = (whole, banks - 2), (2 * group, banks - 2), (least, banks - 1)
    return [size for size, most in sizes if size <= most]


def streamed_banks(geometry: ConvGeometry, element_bytes: int, target: Target) -> int:
    """Banks of weights while groups of kernels are streamed through: one in use, or half of one, and part of the next.

    Args:
        geometry: Not depth-wise; a group of its kernels leaves a bank for features.
        element_bytes: 2 for fp16, 1 for int8.
        target: Its buffer is known.
    """
    group, most = kernel_group(element_bytes, target), buffer_of(target).banks - 1
    size = _group_size(geometry, element_bytes, target)
    if streams_halves(geometry, element_bytes, target):
        return ceil(size / 2)
    following = rounded(min(max(0, geometry.out_channels - group), group), group // 2)
    return min(ceil(size + AHEAD * following / group), most)


def streams_halves(geometry: ConvGeometry, element_bytes: int, target: Target) -> bool:
    """Whether groups of kernels are halved, since one leaves no room for the next; one that fills all goes alone."""
    most, size = buffer_of(target).banks - 1, _group_size(geometry, element_bytes, target)
    several = geometry.out_channels > kernel_group(element_bytes, target)
    return several and most - AHEAD / 2 < size < most


def _whole_map(geometry: ConvGeometry, entries: int, element_bytes: int, target: Target) -> int:
    """All rows of so many entries, if they fit beside the weights of two kernel groups; else none."""
    cbuf, group = buffer_of(target), _group_banks(geometry, element_bytes, target)
    fits = entries * geometry.height <= (cbuf.banks - 2 * group) * cbuf.entries_per_bank
    return geometry.height if fits and not is_depthwise(geometry) else 0


def _group_banks(geometry: ConvGeometry, element_bytes: int, target: Target) -> int:
    """Whole banks that the weights of a kernel group take."""
    return ceil(_group_size(geometry, element_bytes, target))


def _group_size(geometry: ConvGeometry, element_bytes: int, target: Target) -> float:
    """Banks that they fill."""
    kernels = min(geometry.out_channels, kernel_group(element_bytes, target))
    return kernels * kernel_bytes(geometry, element_bytes, target) / buffer_of(target).bank_bytes


def _parts(geometry: ConvGeometry, element_bytes: int, target: Target) -> Iterator[tuple[int, int]]:
    """Width and channels of what is computed at once, the larger first."""
    channels, cols = geometry.channels, geometry.cols
    least = width_tiles(geometry.width, channels, element_bytes, target)
    width = -(-geometry.width // least)
    yield width, channels
    if is_depthwise(geometry):
        while channels > PART:
            channels = max(PART, channels // 2 // PART * PART)
            yield width, channels
        return
    for tiles in range(least + 1, cols.outputs + 1):
        outputs = -(-cols.outputs // tiles)
        yield min(width, (outputs - 1) * cols.stride + cols.extent), channels


def rows_per_band(geometry: ConvGeometry, element_bytes: int, target: Target) -> int:
    """Output rows that one task computes at most; at least 1, and all where the map is held as a whole.

    Args:
        geometry: Ungrouped or depth-wise.
        element_bytes: 2 for fp16, 1 for int8.
        target: Whose buffer, of one core.
    """
    rows = held(geometry, element_bytes, target).rows
    if rows >= geometry.height:
        return max(1, geometry.rows.outputs)
    return max(1, (rows - geometry.rows.extent) // geometry.stride_h + 1)
