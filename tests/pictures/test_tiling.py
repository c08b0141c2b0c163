"""The picture of a tiling: what must be in it, for any layer."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from rkmend.pictures.palette import BLUE, DARK, ORANGE
from rkmend.pictures.tiling import WIDTH, draw_tiling
from rkmend.targets import load_target
from rkmend.tiling.conv import ConvGeometry
from rkmend.tiling.split import DoesNotFit, split

RK3588 = load_target("rk3588")
CBUF = RK3588.cbuf
assert CBUF


def drawn(shape: ConvGeometry) -> ElementTree.Element:
    found = split(shape, 2, RK3588)
    assert found and CBUF
    return ElementTree.fromstring(draw_tiling(shape, found, CBUF, title="a<b", subtitle="Conv"))


def texts(root: ElementTree.Element) -> list[str]:
    return [element.text or "" for element in root if element.tag.endswith("text")]


def test_every_band_is_named_and_every_bank_drawn():
    root = drawn(ConvGeometry(1, 64, 96, 96, 64, 3, 3))
    said = texts(root)
    found = split(ConvGeometry(1, 64, 96, 96, 64, 3, 3), 2, RK3588)
    assert found and len(found.bands) > 1 and CBUF
    assert [text for text in said if text.startswith("output rows")] == [
        f"output rows {band.output}-{band.output + band.outputs - 1}" for band in found.bands
    ]
    edges = [element.get("stroke") for element in root if element.get("rx") == "4"]
    assert edges == [BLUE] * found.feature_banks + [ORANGE] * found.weight_banks
    assert "a<b" in said


def test_of_many_bands_the_first_and_the_last_are_named():
    said = texts(drawn(ConvGeometry(1, 384, 126, 1198, 128, 1, 1)))
    assert "63 row bands" in said and "..." in said
    assert sum(text.startswith("output rows") for text in said) == 4


def test_colours_change_on_a_dark_page():
    root = drawn(ConvGeometry(1, 16, 8, 8, 16, 1, 1))
    style = next(element.text or "" for element in root if element.tag.endswith("style"))
    assert "prefers-color-scheme: dark" in style
    used = {element.get(kind) for element in root for kind in ("fill", "stroke")} - {None, "none"}
    assert used <= set(DARK)


@settings(max_examples=60)
@given(
    st.integers(1, 300), st.integers(1, 200), st.integers(1, 3000), st.integers(1, 300), st.integers(1, 7),
    st.integers(1, 4), st.integers(0, 6),
)  # fmt: skip
def test_all_of_it_is_on_the_paper(channels, height, width, outputs, kernel, stride, pad):
    shape = ConvGeometry(
        1, channels, height, width, outputs, kernel, kernel, stride, stride, pad, pad, pad, pad
    )
    assume(shape.rows.outputs > 0 and shape.cols.outputs > 0)
    try:
        root = drawn(shape)
    except DoesNotFit:
        assume(False)
    paper = float(root.get("height", 0))
    for element in root:
        if element.tag.endswith("rect"):
            x, y, wide, high = (float(element.get(key, 0)) for key in ("x", "y", "width", "height"))
            assert wide >= 0 and high >= 0
            assert x >= 0 and y >= 0 and x + wide <= WIDTH and y + high <= paper
