"""The roofline of a network: how fast each layer can be, by what it computes for each byte that it moves."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rkmend.pictures.drawing import Box, Circle, Line, Shape, Text, text_width, to_svg
from rkmend.pictures.palette import BLUE, DARK, FAINT, FRAME, GREEN, GRID, INK, ORANGE, PAPER, PURPLE

WIDTH, HEIGHT = 760, 520
LEFT, TOP, RIGHT, BOTTOM = 84, 92, 28, 100
SIZE = 13
COLUMNS = "multiplications for each byte moved"
NAMED = 4
"""Layers that take the most cycles are named."""
NAME_SIZE = 12
ROOF = 2
"""Width of the lines that bound all layers."""
_Area = tuple[float, float, float, float]
COLOURS = {"Conv": BLUE, "depth-wise Conv": ORANGE, "ConvTranspose": PURPLE, "MatMul": GREEN}


@dataclass(frozen=True)
class Spot:
    """One layer.

    Attributes:
        name: Of the node.
        kind: Of layer.
        macs: Multiplications that its definition asks for.
        moved: Bytes from and to DRAM.
        cycles: That it takes.
    """

    name: str
    kind: str
    macs: int
    moved: int
    cycles: int

    @property
    def intensity(self) -> float:
        """Multiplications for each byte."""
        return self.macs / max(1, self.moved)

    @property
    def rate(self) -> float:
        """Multiplications a cycle."""
        return self.macs / self.cycles


@dataclass(frozen=True)
class _Axis:
    """A logarithmic axis from `low` to `high`, whole powers of ten, on the paper from `start` to `end`."""

    low: int
    high: int
    start: float
    end: float

    def at(self, value: float) -> float:
        share = (math.log10(value) - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self) -> list[tuple[float, str]]:
        return [(self.at(10.0**power), f"{10.0**power:g}") for power in range(self.low, self.high + 1)]


def draw_roofline(spots: Sequence[Spot], *, peak: int, depthwise: int, bandwidth: float, title: str) -> bytes:
    """Draws the layers under the roof.

    Args:
        spots: At least one; each multiplies something.
        peak: Multiplications a cycle that the convolution unit can do.
        depthwise: The same of a depth-wise Conv.
        bandwidth: Bytes a cycle from and to DRAM.
        title: Above the picture.

    Returns:
        An SVG document.
    """
    ridge = peak / bandwidth
    columns = _axis([*(spot.intensity for spot in spots), ridge, depthwise / bandwidth], LEFT, WIDTH - RIGHT)
    rows = _axis([*(spot.rate for spot in spots), peak, depthwise], HEIGHT - BOTTOM, TOP)
    shapes: list[Shape] = [
        Box(0.5, 0.5, WIDTH - 1, HEIGHT - 1, PAPER, FRAME, radius=8),
        Text(28, 38, title, 17, INK),
        Text(28, TOP - 18, "multiplications a cycle", SIZE, FAINT),
        Text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - BOTTOM + 44, COLUMNS, SIZE, FAINT, "middle"),
        *_grid(columns, rows),
        *_roof(columns, rows, peak, bandwidth),
    ]
    if any(spot.kind == "depth-wise Conv" for spot in spots):
        shapes += _level(columns, rows, depthwise, bandwidth, ORANGE, f"depth-wise: {depthwise} a cycle")
    roofs = [shape for shape in shapes if isinstance(shape, Line) and shape.width == ROOF]
    shapes += _spots(spots, columns, rows, roofs)
    shapes += _legend(spots)
    return to_svg(shapes, WIDTH, HEIGHT, f"Roofline: {title}", DARK)


def _axis(values: Iterable[float], start: float, end: float) -> _Axis:
    values = list(values)
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values) * 1.05))
    return _Axis(low, max(high, low + 1), start, end)


def _grid(columns: _Axis, rows: _Axis) -> Iterator[Shape]:
    for x, label in columns.ticks():
        yield Line(x, rows.end, x, rows.start, GRID)
        yield Text(x, rows.start + 20, label, SIZE, INK, "middle")
    for y, label in rows.ticks():
        yield Line(columns.start, y, columns.end, y, GRID)
        yield Text(columns.start - 10, y + 4.5, label, SIZE, INK, "end")


def _roof(columns: _Axis, rows: _Axis, peak: int, bandwidth: float) -> Iterator[Shape]:
    """The slope that DRAM allows, up to the level of the multipliers."""
    first = max(10.0**columns.low, 10.0**rows.low / bandwidth)
    ridge = peak / bandwidth
    yield Line(columns.at(first), rows.at(first * bandwidth), columns.at(ridge), rows.at(peak), FAINT, ROOF)
    yield from _level(columns, rows, peak, bandwidth, FAINT, f"{peak} a cycle")


def _level(
    columns: _Axis, rows: _Axis, peak: int, bandwidth: float, colour: str, label: str
) -> Iterator[Shape]:
    y = rows.at(peak)
    yield Line(columns.at(max(peak / bandwidth, 10.0**columns.low)), y, columns.end, y, colour, ROOF)
    yield Text(columns.end - 4, y - 7, label, 12, colour, "end")


def _spots(spots: Sequence[Spot], columns: _Axis, rows: _Axis, roofs: Iterable[Line]) -> Iterator[Shape]:
    """A disc for each layer, its area the cycles; the largest first, so that none is hidden."""
    total, most = sum(spot.cycles for spot in spots), max(spot.cycles for spot in spots)
    ordered = sorted(spots, key=lambda spot: -spot.cycles)
    discs = [
        (columns.at(spot.intensity), rows.at(spot.rate), 3 + 11 * math.sqrt(spot.cycles / most))
        for spot in ordered
    ]
    for spot, (x, y, radius) in zip(ordered, discs, strict=True):
        yield Circle(x, y, radius, COLOURS.get(spot.kind, BLUE))
        yield Circle(x, y, radius, PAPER, 1)
    taken: list[_Area] = [(x - r, y - r, x + r, y + r) for x, y, r in discs]
    taken += [area for roof in roofs for area in _along(roof)]
    for spot, (x, y, radius) in zip(ordered[:NAMED], discs, strict=False):
        text = f"{_short(spot.name)} {spot.cycles / total:.0%}"
        places = list(_places(x, y, radius, text_width(text, NAME_SIZE) * 1.05, columns, rows))
        place = next((one for one in places if not any(_overlap(one, other) for other in taken)), places[0])
        taken.append(place)
        yield Text(place[0], place[3] - 3, text, NAME_SIZE, INK)


def _along(line: Line) -> Iterator[_Area]:
    """A line as a row of small areas."""
    for step in range(101):
        x = line.x1 + (line.x2 - line.x1) * step / 100
        y = line.y1 + (line.y2 - line.y1) * step / 100
        yield x - 1, y - 1, x + 1, y + 1


def _places(x: float, y: float, radius: float, long: float, columns: _Axis, rows: _Axis) -> Iterator[_Area]:
    """Where the name of a disc may stand within the axes, the best first: below, for a roof may be above."""
    for away in (0, 14, 28, 42):
        for top in (y + radius * 0.7 + away, y - NAME_SIZE / 2 + away, y - radius - NAME_SIZE - 4 - away):
            for left in (x + radius + 3, x - radius - 3 - long):
                if columns.start <= left <= columns.end - long and rows.end <= top <= rows.start - NAME_SIZE:
                    yield left, top, left + long, top + NAME_SIZE + 2
    yield (
        columns.start,
        rows.end,
        columns.start + long,
        rows.end + NAME_SIZE + 2,
    )  # a name longer than the axes


def _overlap(one: _Area, other: _Area) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _legend(spots: Sequence[Spot]) -> Iterator[Shape]:
    x, y = 32.0, HEIGHT - 22.0
    for kind, colour in COLOURS.items():
        if number := sum(spot.kind == kind for spot in spots):
            text = f"{kind} ({number})"
            yield Circle(x, y, 6, colour)
            yield Text(x + 14, y + 4.5, text, SIZE, INK)
            x += 14 + 1.1 * text_width(text, SIZE) + 30
    yield Text(WIDTH - RIGHT, y + 4.5, "area: share of the cycles", SIZE, FAINT, "end")


def _short(name: str) -> str:
    return name if len(name) <= 28 else "..." + name[-25:]
