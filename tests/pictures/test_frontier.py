"""The picture is read back: by its elements as SVG, by its pixels as PNG."""

from __future__ import annotations

import itertools
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from rkmend.pictures.drawing import PNG_SCALE, to_svg
from rkmend.pictures.frontier import GREEN, HEIGHT, RED, RING, SHADE, WIDTH, Point, _shapes, write_frontier

SVG = "{http://www.w3.org/2000/svg}"


def drawn(points, folder, **more) -> tuple[ElementTree.Element, np.ndarray]:
    words = {"x": "height (rows)", "y": "padding (rows)", "title": "Which fail"}
    svg, png = write_frontier(points, folder=folder, **{**words, **more})
    assert (svg.name, png.name) == ("frontier.svg", "frontier.png")
    with Image.open(png) as image:
        assert image.size == (WIDTH * PNG_SCALE, HEIGHT * PNG_SCALE)
        return ElementTree.parse(svg).getroot(), np.asarray(image)


def marks(root: ElementTree.Element) -> dict[str, list[tuple[float, float]]]:
    """Centres by kind, those of the legend included: lines of two make a cross."""
    crosses = [line for line in root.iter(f"{SVG}line") if line.get("stroke") == RED][::2]
    centre = [
        ((float(c.get("x1")) + float(c.get("x2"))) / 2, (float(c.get("y1")) + float(c.get("y2"))) / 2)
        for c in crosses
    ]
    found = {"fails": centre, "converts": [], "ring": []}
    for circle in root.iter(f"{SVG}circle"):
        kind = "ring" if circle.get("stroke") == RING else "converts"
        found[kind].append((float(circle.get("cx")), float(circle.get("cy"))))
    return found


def labels(root: ElementTree.Element) -> list[str]:
    return [text.text for text in root.iter(f"{SVG}text")]


def pixel(image: np.ndarray, x: float, y: float) -> str:
    red, green, blue, alpha = image[round(y * PNG_SCALE), round(x * PNG_SCALE)]
    assert alpha == 255, "the paper is opaque: it stands on white and on dark pages"
    return f"#{red:02x}{green:02x}{blue:02x}"


def test_both_files_show_every_trial_where_it_is(tmp_path):
    points = [Point(1, 0, False), Point(2, 0, False), Point(1, 1, False), Point(2, 1, True)]
    root, image = drawn(points, tmp_path)
    found = marks(root)
    assert len(found["converts"]) == 3 + 1 and len(found["fails"]) == 1 + 1 and not found["ring"]
    (x, y), *_ = found["fails"]
    assert x == found["converts"][1][0] and y == found["converts"][2][1] < found["converts"][0][1]
    assert pixel(image, x, y) == RED and pixel(image, *found["converts"][0]) == GREEN
    assert {"fails (1)", "converts (3)", "height (rows)", "padding (rows)", "Which fail"} <= set(labels(root))


def test_a_ring_where_the_prediction_was_wrong(tmp_path):
    points = [Point(1, 1, True, True), Point(2, 1, True, False), Point(3, 1, False, None)]
    found = marks(drawn(points, tmp_path)[0])
    assert found["ring"][0] == found["fails"][1] and len(found["ring"]) == 1 + 1


def test_the_region_that_is_predicted_to_fail_is_shaded(tmp_path):
    points = [Point(x, y, x > 5, x > 5) for x in (1, 10) for y in (1, 4)]
    root, image = drawn(points, tmp_path, predict=lambda x, y: x > 5)
    (left, low), (right, high) = marks(root)["converts"][0], marks(root)["fails"][1]
    middle = (low + high) / 2
    assert pixel(image, right - 9, middle) == SHADE and pixel(image, left + 9, middle) != SHADE
    edge = left + (right - left) * 4.5 / 9  # between 5 and 6
    assert pixel(image, edge + 2, middle) == SHADE and pixel(image, edge - 2, middle) != SHADE
    assert "predicted to fail" in labels(root)


def test_the_prediction_is_asked_for_whole_values_only_where_all_are_whole(tmp_path):
    asked = set()
    drawn(
        [Point(3, 1, True), Point(900, 2, False)], tmp_path, predict=lambda x, y: asked.add((x, y)) or False
    )
    assert all(x == int(x) and x >= 1 and y in (1, 2) for x, y in asked) and len(asked) > 200


def test_categories_are_named(tmp_path):
    targets = [
        "rk3588",
        "rk3576",
        "rv1103",
        "rv1126b",
        "rk2118",
        "rk3562",
        "a-much-longer-name",
        "another-long-name",
    ]
    asked = set()
    points = [Point(target, 512, target == "rk3588") for target in targets]
    root, _ = drawn(points, tmp_path, predict=lambda x, y: asked.add(x) or False)
    assert set(targets) <= set(labels(root)) and asked == set(targets)


def test_words_are_escaped(tmp_path):
    root, _ = drawn([Point("a<b", 1, True)], tmp_path, title="pad > kernel & 'x' ≥ 1")
    assert "pad > kernel & 'x' ≥ 1" in labels(root) and "a<b" in labels(root)


def test_no_trials_no_picture(tmp_path):
    with pytest.raises(ValueError, match="no trials"):
        drawn([], tmp_path)


values = st.one_of(st.integers(-5, 5000), st.floats(-1e6, 1e6, allow_subnormal=False))


trials = st.builds(Point, values, values, st.booleans(), st.sampled_from([None, True, False]))


@settings(max_examples=60, deadline=None)  # the prediction is asked up to 25 600 times
@given(points=st.lists(trials, min_size=1))
def test_any_trials_lie_inside(points):
    """Without the PNG, which is made of the same shapes and takes half a second."""
    shapes = list(_shapes(points, "x", "y", "title", lambda x, y: x > y))
    root = ElementTree.fromstring(to_svg(shapes, WIDTH, HEIGHT, "title"))
    assert len(marks(root)["fails"]) == sum(point.failed for point in points) + 1
    for x, y in itertools.chain(*marks(root).values()):
        assert 0 < x < WIDTH and 0 < y < HEIGHT
    numbers = [text for text in labels(root) if re.fullmatch(r"-?[\d.]+(e[+-]?\d+)?", text)]
    if all(float(value).is_integer() for point in points for value in (point.x, point.y)):
        assert all(float(number).is_integer() for number in numbers)
    assert 2 <= len(numbers) <= 24
    for box in root.iter(f"{SVG}rect"):
        assert float(box.get("width")) > 0 and float(box.get("height")) > 0
