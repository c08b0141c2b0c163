"""The frontier: which trials failed and which converted, over the two factors that decide it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path

from rkmend.files import atomic_write
from rkmend.pictures.drawing import Box, Circle, Line, Shape, Text, text_width, to_png, to_svg
from rkmend.pictures.palette import DARK, FAINT, FRAME, GREEN, GRID, INK, PAPER

Coordinate = float | str
Predict = Callable[[Coordinate, Coordinate], bool]

WIDTH, HEIGHT = 720, 500
TOP, RIGHT, BOTTOM = 92, 28, 104
SIZE = 13
CELLS = 160
"""Most cells along an axis for which the prediction is asked."""
RED, SHADE, RING = "#cf222e", "#ffdcd8", "#0550ae"
NIGHT = {**DARK, RED: "#f85149", SHADE: "#4d1f1d", RING: "#79c0ff"}
"""What each colour becomes for a reader who prefers a dark page."""


@dataclass(frozen=True)
class Point:
    """One trial.

    Attributes:
        x: Value of the first factor; a string on an axis of categories.
        y: Value of the second.
        failed: What came of it.
        predicted: Whether the Cause says that it fails; None when there is none.
    """

    x: Coordinate
    y: Coordinate
    failed: bool
    predicted: bool | None = None


def write_frontier(
    points: Sequence[Point],
    *,
    x: str,
    y: str,
    title: str,
    folder: Path,
    predict: Predict | None = None,
) -> tuple[Path, Path]:
    """Draws the trials.

    Args:
        points: At least one. An axis is one of categories when any of its values is a string.
        x: What the first factor is, with its unit: `width (pixels)`.
        y: The same of the second.
        title: Above the picture.
        folder: Exists; gets `frontier.svg` and `frontier.png`.
        predict: The Cause as a function of the two factors; the region where it says `fails` is shaded.

    Returns:
        The .svg and the .png file.

    Raises:
        ValueError: No points.
        InputError: The files cannot be written.
    """
    if not points:
        raise ValueError("a picture of no trials")
    shapes = list(_shapes(points, x, y, title, predict))
    svg, png = folder / "frontier.svg", folder / "frontier.png"
    atomic_write(svg, to_svg(shapes, WIDTH, HEIGHT, title, NIGHT))
    atomic_write(png, to_png(shapes, WIDTH, HEIGHT))
    return svg, png


@dataclass(frozen=True)
class _Axis:
    """Values on a line from `start` to `end`, in units of the picture."""

    values: tuple[Coordinate, ...]
    start: float
    end: float

    @cached_property
    def categories(self) -> list[str]:
        """In order of first appearance; none on an axis of numbers."""
        return list(dict.fromkeys(map(_label, self.values))) if self._named else []

    @cached_property
    def _named(self) -> bool:
        return any(isinstance(value, str) for value in self.values)

    @cached_property
    def _numbers(self) -> list[float]:
        return [float(value) for value in self.values]

    @cached_property
    def _whole(self) -> bool:
        return all(number.is_integer() for number in self._numbers)

    @cached_property
    def range(self) -> tuple[float, float]:
        """What the line covers: a little more than the values."""
        if self._named:
            return -0.5, len(self.categories) - 0.5
        low, high = min(self._numbers), max(self._numbers)
        margin = max(0.04 * (high - low), 0.5 if self._whole else 0.0) or 0.5
        floor = 0.5 if self._whole and low >= 1 else -math.inf  # there is no size below 1 to predict for
        return max(low - margin, floor), high + margin

    def at(self, value: Coordinate) -> float:
        """Where a value is."""
        return self._place(self.categories.index(_label(value)) if self._named else float(value))

    def _place(self, number: float) -> float:
        low, high = self.range
        return self.start + (number - low) / (high - low) * (self.end - self.start)

    def ticks(self) -> list[tuple[float, str]]:
        """Place and label; whole numbers where all values are whole."""
        if self._named:
            return [(self.at(name), name) for name in self.categories]
        low, high = self.range
        step = _nice((high - low) / 8)
        step = max(step, 1.0) if self._whole else step
        first, last = math.ceil(low / step), math.floor(high / step)
        return [(self._place(count * step), _label(count * step)) for count in range(first, last + 1)]

    def cells(self) -> list[tuple[float, float, Coordinate]]:
        """The line in pieces: from, to, and the value that stands for the piece."""
        low, high = self.range
        if self._named:
            cuts = [index - 0.5 for index in range(len(self.categories) + 1)]
            middles: list[Coordinate] = [*self.categories]
        else:
            if self._whole and high - low < CELLS:
                between = (number + 0.5 for number in range(math.floor(low), math.ceil(high)))
                cuts = [low, *(cut for cut in between if low < cut < high), high]
            else:
                cuts = [low + (high - low) * index / CELLS for index in range(CELLS + 1)]
            middles = [self._rounded((a + b) / 2) for a, b in pairwise(cuts)]
        sides = pairwise(self._place(cut) for cut in cuts)
        return [(start, end, value) for (start, end), value in zip(sides, middles, strict=True)]

    def _rounded(self, number: float) -> float:
        return float(round(number)) if self._whole else number


def _shapes(points: Sequence[Point], x: str, y: str, title: str, predict: Predict | None) -> Iterator[Shape]:
    rows = _Axis(tuple(point.y for point in points), HEIGHT - BOTTOM, TOP)
    left = 28 + max(text_width(label, SIZE) for _, label in rows.ticks())
    columns = _Axis(tuple(point.x for point in points), left, WIDTH - RIGHT)
    yield Box(0.5, 0.5, WIDTH - 1, HEIGHT - 1, PAPER, FRAME, radius=8)
    yield Text(24, 36, title, 17, INK)
    yield Text(24, TOP - 18, y, SIZE, FAINT)
    yield Text((left + WIDTH - RIGHT) / 2, HEIGHT - BOTTOM + 54, x, SIZE, FAINT, "middle")
    yield from _shade(columns, rows, predict) if predict else ()
    yield from _grid(columns, rows)
    # Crosses over discs: where trials that differ in a third factor lie on each other, both are seen.
    for point in sorted(points, key=lambda point: point.failed):
        yield from _mark(columns.at(point.x), rows.at(point.y), point.failed)
    for point in points:
        if point.predicted not in (None, point.failed):
            yield Circle(columns.at(point.x), rows.at(point.y), 10, RING, 2)
    yield from _legend(points, shaded=predict is not None)


def _shade(columns: _Axis, rows: _Axis, predict: Predict) -> Iterator[Shape]:
    """The region that is predicted to fail, a box for each run of cells in a row."""
    across = columns.cells()
    for bottom, top, y in rows.cells():
        runs: list[list[float]] = []
        for left, right, x in across:
            if not predict(x, y):
                continue
            if runs and runs[-1][1] == left:
                runs[-1][1] = right
            else:
                runs.append([left, right])
        for left, right in runs:
            yield Box(left, top, right - left, bottom - top, SHADE)


def _grid(columns: _Axis, rows: _Axis) -> Iterator[Shape]:
    crowded = _crowded(columns)
    for index, (place, label) in enumerate(columns.ticks()):
        yield Line(place, rows.end, place, rows.start, GRID)
        lower = 16 if crowded and index % 2 else 0
        yield Text(place, rows.start + 20 + lower, label, SIZE, INK, "middle")
    for place, label in rows.ticks():
        yield Line(columns.start, place, columns.end, place, GRID)
        yield Text(columns.start - 10, place + 4.5, label, SIZE, INK, "end")
    yield Line(columns.start, rows.start, columns.end, rows.start, INK)
    yield Line(columns.start, rows.start, columns.start, rows.end, INK)


def _crowded(columns: _Axis) -> bool:
    """Whether the labels of the ticks would run into each other on one line."""
    ticks = columns.ticks()
    longest = max((text_width(label, SIZE) for _, label in ticks), default=0)
    return len(ticks) > 1 and longest + 10 > ticks[1][0] - ticks[0][0]


def _mark(x: float, y: float, failed: bool) -> Iterator[Shape]:
    if failed:
        yield Line(x - 4.5, y - 4.5, x + 4.5, y + 4.5, RED, 3.5)
        yield Line(x - 4.5, y + 4.5, x + 4.5, y - 4.5, RED, 3.5)
    else:
        yield Circle(x, y, 5, GREEN)


def _legend(points: Iterable[Point], *, shaded: bool) -> Iterator[Shape]:
    """Below the picture: what is in it and how often."""
    points = list(points)
    failed = sum(point.failed for point in points)
    missed = sum(point.predicted not in (None, point.failed) for point in points)
    x, y = 32.0, HEIGHT - 24.0
    entries: list[tuple[Callable[[float], Iterable[Shape]], str]] = [
        (lambda at: _mark(at, y, True), f"fails ({failed})"),
        (lambda at: _mark(at, y, False), f"converts ({len(points) - failed})"),
    ]
    if shaded:
        entries.append((lambda at: [Box(at - 9, y - 7, 18, 14, SHADE, RED)], "predicted to fail"))
    if missed:
        entries.append((lambda at: [Circle(at, y, 8, RING, 2)], f"predicted wrongly ({missed})"))
    for symbol, text in entries:
        yield from symbol(x)
        yield Text(x + 16, y + 4.5, text, SIZE, INK)
        x += 16 + 1.1 * text_width(text, SIZE) + 36


def _nice(step: float) -> float:
    """The next of 1, 2, 5, 10, 20, ..."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= step * 0.999)


def _label(value: Coordinate) -> str:
    return value if isinstance(value, str) else f"{value:.10g}"
