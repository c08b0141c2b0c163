"""Models that are drawn: the numbers of nodes, their neighbours, and where mended ones come from."""

from __future__ import annotations

import onnx
import pytest
from graphs import model, node, value
from models import chain

from rkmend.report.page.opened import Opened


@pytest.fixture
def five(tmp_path) -> Opened:
    onnx.save(chain(5), tmp_path / "chain.onnx")
    return Opened.read("original", tmp_path / "chain.onnx", {})


def test_nodes_are_numbered_in_the_order_of_the_file(five):
    assert five.ids == {f"relu{number}": number for number in range(5)}
    assert five.numbers(("relu3", "gone", "relu1", "relu3")) == (1, 3)


def test_neighbours_within_some_hops(five):
    assert five.around((2,), hops=1, most=99) == (1, 2, 3)
    assert five.around((0,), hops=2, most=99) == (0, 1, 2)
    assert five.around((2,), hops=9, most=99) == (0, 1, 2, 3, 4)


def test_neighbours_are_left_out_beyond_a_number(five):
    assert len(five.around((2,), hops=9, most=4)) == 4
    assert 2 in five.around((2,), hops=9, most=1)


def test_a_mended_node_knows_the_node_of_the_original(tmp_path):
    made = node("Relu", "x", "y", "a/b/rkmend/conv/rkmend/add")
    for key, told in (("rule", "RKM101"), ("mend", "output-padding"), ("from", "a/b/rkmend/conv")):
        made.metadata_props.add(key=f"rkmend.{key}", value=told)
    onnx.save(model([made], [value("x", [4])], [value("y", [4])]), tmp_path / "m.onnx")
    opened = Opened.read("mended", tmp_path / "m.onnx", {})
    assert opened.origins == {"a/b/rkmend/conv/rkmend/add": ("RKM101", "a/b")}
