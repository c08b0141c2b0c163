"""Which drawings the page has."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from graphs import linear
from models import conv
from page_results import results

from rkmend import plan
from rkmend.diagnose.cause.record import Cause
from rkmend.report.page.pictures import LONGEST_SVG, frontier, roofline, tilings


@pytest.fixture
def planned(tmp_path):
    return plan(conv(tmp_path / "m.onnx"), target="rk3588")


def explained(tmp_path, svg: str):
    made = results(conv(tmp_path / "m.onnx"))
    (made.folder / "repro").mkdir()
    (made.folder / "repro" / "frontier.svg").write_text(svg)
    made.conversion.files["repro"] = "elsewhere/m.rkmend/repro"
    files = {"frontier_svg": "elsewhere/m.rkmend/repro/frontier.svg"}
    made.conversion.cause = Cause(established=True, text="", text_zh="", files=files)
    return made


def test_the_layers_of_the_story_are_drawn(planned):
    ((name, picture),) = tilings("original", planned, ["conv", "not in it"])
    assert (name, picture.kind, picture.which) == ("conv", "tiling", "original")
    assert ElementTree.fromstring(picture.svg).tag.endswith("svg")
    assert "conv" in picture.title.en and "conv" in picture.title.zh


def test_where_the_story_is_about_no_layer_the_costliest_is_drawn(planned):
    assert [name for name, _ in tilings("mended", planned, [])] == ["conv"]


def test_a_layer_of_a_target_whose_buffer_is_not_known_is_not_drawn(tmp_path):
    assert list(tilings("original", plan(conv(tmp_path / "m.onnx"), target="rk2118"), ["conv"])) == []


def test_the_roofline_of_the_network(planned):
    (picture,) = roofline("mended", planned)
    assert (picture.id, picture.which) == ("roofline-mended", "mended")
    assert ElementTree.fromstring(picture.svg).tag.endswith("svg")


def test_nothing_to_compute_is_no_roofline(tmp_path):
    import onnx
    from graphs import relu

    onnx.save(relu(), tmp_path / "r.onnx")
    assert list(roofline("original", plan(tmp_path / "r.onnx", target="rk3588"))) == []


def test_the_picture_of_the_explanation_is_found_in_a_folder_that_moved(tmp_path):
    (picture,) = frontier(explained(tmp_path, "<svg/>"))
    assert picture.svg == "<svg/>" and picture.kind == "frontier"


def test_no_picture_where_there_is_none_or_it_is_no_picture_of_ours(tmp_path):
    assert list(frontier(results(linear(tmp_path / "l.onnx")))) == []
    assert list(frontier(explained(tmp_path, "x" * (LONGEST_SVG + 1)))) == []
