"""One layer on its feature map: which rows and columns are in the buffer at once, and who has its banks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rkmend.pictures.drawing import Box, Line, Shape, Text, text_width, to_svg
from rkmend.pictures.palette import (
    BLUE,
    BLUE_FAINT,
    BLUE_PALE,
    DARK,
    FAINT,
    FRAME,
    GRID,
    INK,
    ORANGE,
    ORANGE_PALE,
    PAPER,
)
from rkmend.targets import Cbuf
from rkmend.tiling.conv import ConvGeometry
from rkmend.tiling.split import Piece, Split

WIDTH = 760
MARGIN, TOP = 28, 96
MAP_WIDTH, MAP_HEIGHT = 400, 340
SIZE, SMALL = 13, 12
LINE = 20.0
"""A line of text; all bands are named where each is as high."""
FIRST = 3
"""Bands that are named before the last where not all are."""
LEAST = 6
"""Bands thinner than this many units are not told apart by lines."""


@dataclass(frozen=True)
class _Scale:
    """Input elements on the paper."""

    left: float
    top: float
    unit_x: float
    unit_y: float

    def x(self, column: float) -> float:
        return self.left + column * self.unit_x

    def y(self, row: float) -> float:
        return self.top + row * self.unit_y


def draw_tiling(geometry: ConvGeometry, split: Split, cbuf: Cbuf, *, title: str, subtitle: str) -> bytes:
    """Draws the input of a layer with its row bands and tiles, and the banks below.

    Args:
        geometry: Of the convolution.
        split: Of the geometry.
        cbuf: The buffer it was split for.
        title: Above the picture.
        subtitle: Below the title.

    Returns:
        An SVG document.
    """
    scale = _scale(geometry)
    bottom = max(scale.y(geometry.height + geometry.pad_bottom), TOP + LINE * (FIRST + 2))
    banks_top = bottom + 74
    height = round(banks_top + 96)
    shapes: list[Shape] = [
        Box(0.5, 0.5, WIDTH - 1, height - 1, PAPER, FRAME, radius=8),
        Text(MARGIN, 38, _short(title, 17), 17, INK),
        Text(MARGIN, 60, _short(subtitle, SIZE), SIZE, FAINT),
        *_map(geometry, split, scale),
        *_names(geometry, split, scale),
        Text(MARGIN, bottom + 26, _caption(geometry, split), SMALL, FAINT),
        *_banks(split, cbuf, banks_top),
    ]
    return to_svg(shapes, WIDTH, height, f"{title}: {subtitle}", DARK)


def _scale(geometry: ConvGeometry) -> _Scale:
    """The map with its padding as large as the paper allows; in proportion unless that makes it a thread."""
    columns = geometry.pad_left + geometry.width + geometry.pad_right
    rows = geometry.pad_top + geometry.height + geometry.pad_bottom
    unit = min(MAP_WIDTH / columns, MAP_HEIGHT / rows)
    unit_x, unit_y = max(unit, min(120, MAP_WIDTH) / columns), max(unit, 90 / rows)
    return _Scale(MARGIN + geometry.pad_left * unit_x, TOP + geometry.pad_top * unit_y, unit_x, unit_y)


def _map(geometry: ConvGeometry, split: Split, scale: _Scale) -> Iterator[Shape]:
    left, top = scale.x(-geometry.pad_left), scale.y(-geometry.pad_top)
    right, bottom = (
        scale.x(geometry.width + geometry.pad_right),
        scale.y(geometry.height + geometry.pad_bottom),
    )
    yield Box(left, top, right - left, bottom - top, GRID)
    for place, band in enumerate(split.bands):
        yield Box(
            scale.x(0),
            scale.y(band.input),
            geometry.width * scale.unit_x,
            band.inputs * scale.unit_y,
            (BLUE_PALE, BLUE_FAINT)[place % 2],
        )
    for before, after in zip(split.bands, split.bands[1:], strict=False):
        shared = before.input + before.inputs - after.input
        if shared > 0:
            y = scale.y(after.input)
            yield Box(scale.x(0), y, geometry.width * scale.unit_x, shared * scale.unit_y, BLUE)
    for before, after in zip(split.tiles, split.tiles[1:], strict=False):
        shared = before.input + before.inputs - after.input
        if shared > 0:
            x = scale.x(after.input)
            yield Box(x, scale.y(0), max(1.5, shared * scale.unit_x), geometry.height * scale.unit_y, BLUE)
        yield Line(scale.x(after.input), scale.y(0), scale.x(after.input), scale.y(geometry.height), INK)
    if _thinnest(split.bands, geometry, scale) >= LEAST:
        for band in split.bands[1:]:
            yield Line(scale.x(0), scale.y(band.input), scale.x(geometry.width), scale.y(band.input), INK)
    yield Box(
        scale.x(0), scale.y(0), geometry.width * scale.unit_x, geometry.height * scale.unit_y, "none", INK
    )


def _names(geometry: ConvGeometry, split: Split, scale: _Scale) -> Iterator[Shape]:
    """What each band computes, beside it; the first few and the last where lines of text are higher than bands."""
    x = scale.x(geometry.width + geometry.pad_right) + 34
    yield Text(x, TOP - 12, f"{len(split.bands)} row band{'s' * (len(split.bands) != 1)}", SIZE, FAINT)
    if _thinnest(split.bands[:-1] or split.bands, geometry, scale) >= LINE:
        for band in split.bands:
            y = scale.y(band.input + band.inputs / 2)
            yield Line(scale.x(geometry.width) + 4, y, x - 8, y, FRAME)
            yield from _name(band, x, y)
        return
    for place, band in enumerate(split.bands[:FIRST]):
        yield from _name(band, x, TOP + 8 + place * LINE)
    if len(split.bands) > FIRST + 1:
        yield Text(x, TOP + 12 + FIRST * LINE, "...", SIZE, FAINT)
    if len(split.bands) > FIRST:
        yield from _name(split.bands[-1], x, TOP + 8 + (FIRST + 1) * LINE)


def _name(band: Piece, x: float, y: float) -> Iterator[Shape]:
    ins = f"{band.input}-{band.input + band.inputs - 1}" if band.inputs else "none, padding only"
    yield Text(x, y + 4, f"output rows {band.output}-{band.output + band.outputs - 1}", SIZE, INK)
    yield Text(x + 152, y + 4, f"input rows {ins}", SIZE, FAINT)


def _caption(geometry: ConvGeometry, split: Split) -> str:
    parts = [f"input {geometry.height} x {geometry.width}, {geometry.channels} channels"]
    if len(split.tiles) > 1:
        parts.append(
            f"{len(split.tiles)} tiles of up to {max(tile.outputs for tile in split.tiles)} output columns"
        )
    if split.reload > 1:
        parts.append(f"full blue: loaded twice, {split.reload - 1:.1%} of the input")
    if max(geometry.pad_top, geometry.pad_bottom, geometry.pad_left, geometry.pad_right) > 0:
        parts.append("grey margin: padding")
    if split.cores > 1:
        parts.append(f"{split.cores} cores share the {split.shared}")
    return "; ".join(parts)


def _banks(split: Split, cbuf: Cbuf, top: float) -> Iterator[Shape]:
    """The buffer as a row of banks, each filled as far as it is used."""
    gap, wide, high = 5.0, (WIDTH - 2 * MARGIN) / cbuf.banks, 34.0
    rows = max(band.inputs for band in split.bands)
    used = rows * split.row_entries
    yield Text(
        MARGIN, top - 14, f"On-chip buffer: {cbuf.banks} banks of {cbuf.bank_bytes // 1024} KB", SIZE, INK
    )
    for bank in range(cbuf.banks):
        x = MARGIN + bank * wide
        weights = bank >= cbuf.banks - split.weight_banks
        yield Box(
            x, top, wide - gap, high, ORANGE_PALE if weights else BLUE_PALE, ORANGE if weights else BLUE, 4
        )
        if not weights and (filled := min(1.0, max(0.0, used / cbuf.entries_per_bank - bank))) > 0:
            yield Box(x + 3, top + 3, (wide - gap - 6) * filled, high - 6, BLUE, BLUE, 2)
    features = (
        f"features: {split.feature_banks} banks; {rows} rows of {split.row_entries:,} entries fill "
        f"{used / (split.feature_banks * cbuf.entries_per_bank):.0%}"
    )
    weights_text = f"weights: {split.weight_banks} bank{'s' * (split.weight_banks != 1)}"
    yield Box(MARGIN, top + high + 15, 12, 12, BLUE, BLUE, 2)
    yield Text(MARGIN + 20, top + high + 26, features, SIZE, INK)
    right = WIDTH - MARGIN - text_width(weights_text, SIZE) * 1.05
    yield Box(right - 20, top + high + 15, 12, 12, ORANGE_PALE, ORANGE, 2)
    yield Text(WIDTH - MARGIN, top + high + 26, weights_text, SIZE, INK, "end")


def _thinnest(bands: tuple[Piece, ...], geometry: ConvGeometry, scale: _Scale) -> float:
    """How high the lowest band is on the paper, without what it shares with the next."""
    return min(band.outputs for band in bands) * geometry.stride_h * scale.unit_y


def _short(text: str, size: float) -> str:
    """The end of a text that is too long for the paper: names of layers differ there."""
    room = WIDTH - 2 * MARGIN
    if text_width(text, size) * 1.05 <= room:
        return text
    while text and text_width("..." + text, size) * 1.05 > room:
        text = text[1:]
    return "..." + text
