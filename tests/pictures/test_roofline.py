"""The roofline: layers are drawn under the roof, whatever the network."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

from hypothesis import given
from hypothesis import strategies as st

from rkmend.pictures.palette import DARK, PAPER
from rkmend.pictures.roofline import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Spot, draw_roofline

PEAK, BANDWIDTH = 512, 23.65


@st.composite
def spots(draw: st.DrawFn) -> list[Spot]:
    found = []
    for number in range(draw(st.integers(1, 12))):
        macs, moved = draw(st.integers(1, 10**10)), draw(st.integers(1, 10**8))
        cycles = max(1, -(-macs // PEAK), round(moved / BANDWIDTH))
        kind = draw(st.sampled_from(["Conv", "depth-wise Conv", "MatMul", "ConvTranspose"]))
        found.append(Spot(f"layer{number}", kind, macs, moved, cycles))
    return found


def drawn(found: list[Spot]) -> ElementTree.Element:
    return ElementTree.fromstring(
        draw_roofline(found, peak=PEAK, depthwise=64, bandwidth=BANDWIDTH, title="net")
    )


@given(spots())
def test_every_layer_is_a_disc_between_the_axes(found):
    root = drawn(found)
    discs = [element for element in root if element.get("stroke") == PAPER]
    assert len(discs) == len(found)
    for disc in discs:
        assert LEFT <= float(disc.get("cx", 0)) <= WIDTH - RIGHT
        assert TOP <= float(disc.get("cy", 0)) <= HEIGHT - BOTTOM


def test_the_largest_layers_are_named_with_their_share():
    root = drawn([Spot("large", "Conv", 512_000, 100, 9_000), Spot("small", "MatMul", 512, 100, 1_000)])
    said = [element.text for element in root if element.tag.endswith("text")]
    assert "large 90%" in said and "small 10%" in said
    assert {"Conv (1)", "MatMul (1)", "512 a cycle"} <= set(said)
    used = {element.get(kind) for element in root for kind in ("fill", "stroke")} - {None, "none"}
    assert used <= set(DARK)
