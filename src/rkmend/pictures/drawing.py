"""A few shapes, drawn once and written twice: as SVG, and with Pillow as PNG.

A plotting library would bring 80 MB with it (matplotlib and what it needs, measured) for one kind of picture;
those that turn SVG into PNG depend on the fonts of the machine, and a server often has none. Pillow is here
anyway and has a font of its own, for ASCII.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from html import escape
from io import BytesIO
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont

PNG_SCALE = 2
"""Pixels of the PNG for one unit: sharp on a screen with fine pixels."""
SMOOTH = 2
"""The PNG is drawn this much larger and reduced: Pillow's lines have steps."""
ANCHORS = {"start": "ls", "middle": "ms", "end": "rs"}
ASCII = str.maketrans({"×": "x", "≥": ">=", "≤": "<=", "≠": "!=", "→": "->", "–": "-", "…": "..."})


@dataclass(frozen=True)
class Box:
    """A filled rectangle; `edge` is the colour of its outline."""

    x: float
    y: float
    width: float
    height: float
    fill: str
    edge: str = ""
    radius: float = 0

    def svg(self) -> str:
        """As an element."""
        edge = f' stroke="{self.edge}"' if self.edge else ' shape-rendering="crispEdges"'
        return (
            f'<rect x="{self.x:g}" y="{self.y:g}" width="{self.width:g}" height="{self.height:g}" '
            f'rx="{self.radius:g}" fill="{self.fill}"{edge}/>'
        )

    def paint(self, draw: ImageDraw, scale: float) -> None:
        """Onto an image, `scale` pixels a unit."""
        corners = [self.x * scale, self.y * scale]
        corners += [corners[0] + self.width * scale - 1, corners[1] + self.height * scale - 1]
        radius = self.radius * scale
        draw.rounded_rectangle(corners, radius, self.fill, self.edge or None, width=round(scale))


@dataclass(frozen=True)
class Line:
    """A straight line with round ends."""

    x1: float
    y1: float
    x2: float
    y2: float
    colour: str
    width: float = 1

    def svg(self) -> str:
        """As an element."""
        return (
            f'<line x1="{self.x1:g}" y1="{self.y1:g}" x2="{self.x2:g}" y2="{self.y2:g}" '
            f'stroke="{self.colour}" stroke-width="{self.width:g}" stroke-linecap="round"/>'
        )

    def paint(self, draw: ImageDraw, scale: float) -> None:
        """Onto an image, `scale` pixels a unit."""
        ends = [(self.x1 * scale, self.y1 * scale), (self.x2 * scale, self.y2 * scale)]
        draw.line(ends, self.colour, width=round(self.width * scale))
        for x, y in ends:
            draw.circle((x, y), self.width * scale / 2, self.colour)


@dataclass(frozen=True)
class Circle:
    """A disc, or with `width` a ring."""

    x: float
    y: float
    radius: float
    colour: str
    width: float = 0

    def svg(self) -> str:
        """As an element."""
        paint = f'fill="{self.colour}"'
        if self.width:
            paint = f'fill="none" stroke="{self.colour}" stroke-width="{self.width:g}"'
        return f'<circle cx="{self.x:g}" cy="{self.y:g}" r="{self.radius:g}" {paint}/>'

    def paint(self, draw: ImageDraw, scale: float) -> None:
        """Onto an image, `scale` pixels a unit."""
        centre, outer = (self.x * scale, self.y * scale), (self.radius + self.width / 2) * scale
        if self.width:
            draw.circle(centre, outer, outline=self.colour, width=round(self.width * scale))
        else:
            draw.circle(centre, outer, self.colour)


@dataclass(frozen=True)
class Text:
    """A line of text; `y` is its base line, `x` its start, middle or end."""

    x: float
    y: float
    text: str
    size: float
    colour: str
    anchor: Literal["start", "middle", "end"] = "start"

    def svg(self) -> str:
        """As an element."""
        return (
            f'<text x="{self.x:g}" y="{self.y:g}" font-size="{self.size:g}" fill="{self.colour}" '
            f'text-anchor="{self.anchor}">{escape(self.text)}</text>'
        )

    def paint(self, draw: ImageDraw, scale: float) -> None:
        """Onto an image, `scale` pixels a unit."""
        place = (self.x * scale, self.y * scale)
        font = _font(self.size * scale)
        draw.text(place, _ascii(self.text), self.colour, font, anchor=ANCHORS[self.anchor])


Shape = Box | Line | Circle | Text


def text_width(text: str, size: float) -> float:
    """How long a text is, in units; other fonts than Pillow's differ by a few percent."""
    return _font(64).getlength(_ascii(text)) * size / 64


def to_svg(
    shapes: Sequence[Shape], width: int, height: int, title: str, dark: Mapping[str, str] | None = None
) -> bytes:
    """The shapes as an SVG document.

    Args:
        shapes: Later ones over earlier ones.
        width: Of the paper, in units.
        height: Of the paper.
        title: For those who cannot see it.
        dark: What becomes of colours where the reader prefers a dark page; None keeps them.
    """
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" role="img" font-family="Helvetica, Arial, sans-serif">'
    )
    lines = [head, f"<title>{escape(title)}</title>", *_night(dark or {}), *(shape.svg() for shape in shapes)]
    lines += ["</svg>", ""]
    return "\n".join(lines).encode()


def _night(dark: Mapping[str, str]) -> Iterator[str]:
    """A style sheet that recolours shapes by the colour they have."""
    if dark:
        rules = (
            f'[{kind}="{old}"]{{{kind}:{new}}}' for old, new in dark.items() for kind in ("fill", "stroke")
        )
        yield "<style>@media (prefers-color-scheme: dark) {" + " ".join(rules) + "}</style>"


def to_png(shapes: Sequence[Shape], width: int, height: int) -> bytes:
    """The same as PNG; what no shape covers is transparent."""
    from PIL import Image, ImageDraw

    scale = PNG_SCALE * SMOOTH
    image = Image.new("RGBA", (width * scale, height * scale))
    draw = ImageDraw.Draw(image)
    for shape in shapes:
        shape.paint(draw, scale)
    file = BytesIO()
    image.reduce(SMOOTH).save(file, "PNG")
    return file.getvalue()


@cache
def _font(size: float) -> FreeTypeFont:
    from PIL import ImageFont

    font = ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont), "Pillow's wheels come with FreeType"
    return font


def _ascii(text: str) -> str:
    """What Pillow's own font can show."""
    return text.translate(ASCII).encode("ascii", "replace").decode()
