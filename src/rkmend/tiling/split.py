"""How a compiler splits a Conv into tasks that the on-chip buffer (CBUF) of one core can take.

Sources: public layer programs of RK3588, RK3566/68, RK3562 and RK3576 (which SoC divides the banks how, rows of each
band); `bands` and `sharing`, measured on RK3588. Where those programs and `bands.rows_per_band` part: a band at the
top of a padded map holds as many input rows as the others, hence an output row or more beyond theirs, which
`rows_per_band` leaves out; and where the features of RK3588 fit beside a single bank there is one task, however many
weights are streamed through.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from rkmend.targets import Cbuf, Target
from rkmend.tiling.bands import (
    buffer_of,
    depthwise_chunk,
    kernel_bytes,
    kernel_group,
    most_features,
    row_entries,
    weight_banks,
)
from rkmend.tiling.conv import Axis, ConvGeometry
from rkmend.tiling.sharing import shares_channels
from rkmend.tiling.storage import as_computed, is_depthwise, rounded


class DoesNotFit(ValueError):
    """Not even one output column fits into the buffer; the message says what does not."""


@dataclass(frozen=True)
class Piece:
    """Neighbouring outputs along an axis, and the inputs that are loaded for them.

    Attributes:
        output: The first output.
        outputs: How many.
        input: The first input.
        inputs: How many, those that the next piece loads again included; 0 where all is padding.
    """

    output: int
    outputs: int
    input: int
    inputs: int


@dataclass(frozen=True)
class Split:
    """A Conv in tasks: one for each row band, tile and chunk of channels.

    Attributes:
        row_entries: Buffer entries that a row of the widest tile takes.
        feature_banks: Banks for features.
        weight_banks: Banks for weights.
        bands: Along the rows, from the top.
        tiles: Along the columns, from the left.
        chunk: Output channels whose weights are in the buffer at once: a kernel group at least, which is streamed
            through where it is larger than its banks. Of a depth-wise Conv: channels that a task computes.
        chunks: How many of them make up the output channels of all groups.
        cores: Cores that the layer is shared out to.
        shared: What is shared out among the cores.
    """

    row_entries: int
    feature_banks: int
    weight_banks: int
    bands: tuple[Piece, ...]
    tiles: tuple[Piece, ...]
    chunk: int
    chunks: int
    cores: int
    shared: Literal["rows", "output channels", "nothing"]

    @property
    def reload(self) -> float:
        """Input elements that are loaded, for each that there is along the rows and columns."""
        loaded = [sum(piece.inputs for piece in pieces) for pieces in (self.bands, self.tiles)]
        whole = [max(piece.input + piece.inputs for piece in pieces) for pieces in (self.bands, self.tiles)]
        return loaded[0] * loaded[1] / max(1, whole[0] * whole[1])


def split(geometry: ConvGeometry, element_bytes: int, target: Target) -> Split | None:
    """Splits a Conv for one core, and says what several would share.

    Args:
        geometry: Has outputs. Groups that stand alone are split one by one, all alike; see `storage.as_computed`.
        element_bytes: 2 for fp16, 1 for int8.
        target: For which.

    Returns:
        None where it is not known how the compiler for this target divides its buffer.

    Raises:
        DoesNotFit: There is no way to split it that is known here.
    """
    cbuf = target.cbuf
    if cbuf is None or cbuf.division is None:
        return None
    if is_depthwise(geometry):
        return _split_depthwise(geometry, element_bytes, target)
    alone = as_computed(geometry, element_bytes, target)
    found = _split_map(alone, element_bytes, target, weight_banks(alone, element_bytes, target))
    return replace(found, chunks=found.chunks * geometry.out_channels // alone.out_channels)


def _split_depthwise(geometry: ConvGeometry, element_bytes: int, target: Target) -> Split:
    """In as large chunks of channels as leave the map whole; in rows and columns as well where none does."""
    cbuf, channels = buffer_of(target), depthwise_chunk(geometry, element_bytes, target)
    kernel = geometry.kernel_h * geometry.kernel_w * rounded(channels * element_bytes, target.atom_bytes)
    # the tasks see a map of so many channels; what the cores share is decided for the layer as a whole
    task = replace(geometry, channels=channels, out_channels=channels, groups=channels)
    found = _split_map(task, element_bytes, target, -(-kernel // cbuf.bank_bytes))
    cores, shared = _shared(geometry, element_bytes, target)
    return replace(
        found, chunk=channels, chunks=-(-geometry.channels // channels), cores=cores, shared=shared
    )


def _split_map(geometry: ConvGeometry, element_bytes: int, target: Target, weights: int) -> Split:
    """In row bands, and in tiles along the width where a row is too long; `weights` is the banks of all weights."""
    cbuf = buffer_of(target)
    rows = min(geometry.rows.extent, geometry.height)
    for tiles in _tilings(geometry.cols):
        entries = row_entries(max(tile.inputs for tile in tiles), geometry.channels, element_bytes, target)
        fits = cbuf.row_entries is None or entries <= cbuf.row_entries
        if fits and _banks(rows * entries, cbuf) <= most_features(cbuf):
            break
    else:
        raise DoesNotFit(
            f"one output column sees {rows} rows of {entries:,} entries; "
            f"the buffer has {most_features(cbuf) * cbuf.entries_per_bank:,} for features"
        )
    features = _feature_banks(
        _banks(entries * geometry.height, cbuf), _banks(rows * entries, cbuf), weights, cbuf
    )
    others = cbuf.banks - features
    group = kernel_group(element_bytes, target)
    resident = others * cbuf.bank_bytes // (group * kernel_bytes(geometry, element_bytes, target))
    chunk = min(geometry.out_channels, group * max(1, resident))
    cores, shared = _shared(geometry, element_bytes, target)
    return Split(
        row_entries=entries,
        feature_banks=features,
        weight_banks=others,
        bands=tuple(_bands(geometry.rows, features * cbuf.entries_per_bank // max(1, entries))),
        tiles=tiles,
        chunk=chunk,
        chunks=-(-geometry.out_channels // chunk),
        cores=cores,
        shared=shared,
    )


def _feature_banks(whole: int, least: int, weights: int, cbuf: Cbuf) -> int:
    """Banks for features.

    Args:
        whole: Banks that the whole map (of a tile) takes.
        least: Banks that the rows of one output take.
        weights: Banks that all weights take.
        cbuf: Its division is known.
    """
    most = most_features(cbuf)
    if cbuf.division == "fixed":
        assert cbuf.feature_banks is not None
        usual, more = cbuf.feature_banks
        return usual if whole <= usual else more
    if cbuf.division == "weights-first":
        return max(least, min(most, cbuf.banks - weights), 1)
    if whole <= most:
        return max(1, whole)
    if cbuf.division == "features-only":
        return most
    return max(least, min(most, cbuf.banks - weights), 1)


def _banks(entries: int, cbuf: Cbuf) -> int:
    return -(-entries // cbuf.entries_per_bank)


def _tilings(axis: Axis) -> Iterator[tuple[Piece, ...]]:
    """The ways to cut an axis into tiles of equally many outputs, the widest first.

    The last tile may have fewer; it loads what lies behind the last window as well.
    """
    outputs, last = axis.outputs, 0
    for count in range(1, outputs + 1):
        width = -(-outputs // count)
        if width != last:
            last = width
            *tiles, end = (
                _piece(axis, first, min(width, outputs - first)) for first in range(0, outputs, width)
            )
            yield *tiles, replace(end, inputs=axis.size - end.input)


def _piece(axis: Axis, first: int, outputs: int) -> Piece:
    """Outputs and what their windows see."""
    begin = min(axis.size, max(0, first * axis.stride - axis.pad_begin))
    end = (first + outputs - 1) * axis.stride - axis.pad_begin + axis.extent
    return Piece(first, outputs, begin, max(0, min(axis.size, end) - begin))


def _bands(axis: Axis, room: int) -> Iterator[Piece]:
    """As many outputs in each band as the `room` inputs that fit allow; the last one loads all that is left."""
    first = 0
    while first < axis.outputs:
        begin = min(axis.size, max(0, first * axis.stride - axis.pad_begin))
        reached = (begin + room + axis.pad_begin - axis.extent) // axis.stride
        last = axis.outputs - 1 if begin + room >= axis.size else min(reached, axis.outputs - 1)
        band = _piece(axis, first, last - first + 1)
        if last == axis.outputs - 1:
            band = replace(band, inputs=min(axis.size - begin, room))
        yield band
        first = last + 1


def _shared(
    geometry: ConvGeometry, element_bytes: int, target: Target
) -> tuple[int, Literal["rows", "output channels", "nothing"]]:
    """Cores, and what they share."""
    if target.cores > 1 and shares_channels(geometry, target.cores, element_bytes, target):
        return target.cores, "output channels"
    if target.cores > 1 and geometry.height >= target.cores:
        return target.cores, "rows"
    return 1, "nothing"
