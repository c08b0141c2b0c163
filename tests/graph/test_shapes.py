"""Shapes from the command line, and what they mean for the inputs of a model."""

from __future__ import annotations

import re
import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rkmend.errors import InputError
from rkmend.graph import TensorSpec, bind, parse_shape_option, parse_shape_options


def spec(name: str, *shape: int | str | None) -> TensorSpec:
    return TensorSpec(name, "float32", shape)


def fails(function, *arguments) -> str:
    with pytest.raises(InputError) as caught:
        function(*arguments)
    assert caught.value.hint
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "name", "shape"),
    [
        ("images=1x3x640x640", "images", (1, 3, 640, 640)),
        ("images=1X3x640,640", "images", (1, 3, 640, 640)),
        (" x = 1 * 8 ", "x", (1, 8)),
        ("x=7", "x", (7,)),
        ("sr=scalar", "sr", ()),
        ("X_place:0=1x8x16x1", "X_place:0", (1, 8, 16, 1)),
        ("a=b=2x3", "a=b", (2, 3)),
    ],
)
def test_what_is_read(text, name, shape):
    assert parse_shape_option(text) == (name, shape)


@pytest.mark.parametrize(
    "text", ["", "x", "x=", "=1x2", "1x2", "x=1xx2", "x=1x", "x=1x2.5", "x=1x?", "x=[1,2]"]
)
def test_what_is_not_read(text):
    assert "NAME=1x3x224x224" in fails(parse_shape_option, text)


@pytest.mark.parametrize("size", ["0", "-1", "-0"])
def test_zero_and_negative(size):
    assert "at least 1" in fails(parse_shape_option, f"x=1x{size}x3")


@given(
    st.lists(st.integers(1, 10**6), min_size=1, max_size=8),
    st.sampled_from("x,*"),
    st.text("abc/:=._", min_size=1),
)
def test_every_shape_is_read_back(shape, separator, name):
    assert parse_shape_option(f"{name}={separator.join(map(str, shape))}") == (name, tuple(shape))


def test_two_shapes_for_one_input():
    assert parse_shape_options(["x=1x2", "y=3", "x=1,2"]) == {"x": (1, 2), "y": (3,)}
    assert "two shapes" in fails(parse_shape_options, ["x=1x2", "x=1x3"])


def test_static_inputs_need_nothing():
    inputs = (spec("x", 1, 2), spec("s"))
    assert bind(inputs, {}) == inputs


def test_one_symbol_binds_everywhere():
    inputs = [spec("a", "N", "T"), spec("b", "T", 4), spec("c", None)]
    assert bind(inputs, {"a": (2, 7), "c": (3,)}) == (spec("a", 2, 7), spec("b", 7, 4), spec("c", 3))


def test_an_unknown_rank_takes_any_shape():
    assert bind([spec("x", "...")], {"x": (2, 3)}) == (spec("x", 2, 3),)
    assert bind([spec("x", "...")], {"x": ()}) == (spec("x"),)


def test_contradictions():
    inputs = [spec("images", "N", 3, "H", "W"), spec("mask", "H", "W"), spec("sr")]
    text = fails(bind, inputs, {"image": (1, 3, 8, 8)})
    assert "did you mean 'images'?" in text
    assert "mask: float32 [H, W]" in text
    assert "rank 4, the shape 3x8x8 has rank 3" in fails(bind, inputs, {"images": (3, 8, 8)})
    assert "its size 3 is fixed" in fails(bind, inputs, {"images": (1, 4, 8, 8)})
    assert "'H' is 8 in 'images' and 9 in 'mask'" in fails(
        bind, inputs, {"images": (1, 3, 8, 8), "mask": (9, 8)}
    )
    assert "sr=scalar" in fails(bind, inputs, {"sr": (1,)})
    assert "below 1" in fails(bind, inputs, {"images": (0, 3, 8, 8)})


def test_an_input_without_elements():
    assert "holds no elements" in fails(bind, [spec("x", 0, 3)], {})


def proposal(text: str) -> dict[str, tuple[int, ...]]:
    options = shlex.split(re.search(r"^  (--input .*)$", text, re.M)[1])
    return parse_shape_options(options[1::2])


@pytest.mark.parametrize(
    ("inputs", "proposed"),
    [
        ([spec("images", "batch", 3, "height", "width")], {"images": (1, 3, 640, 640)}),
        ([spec("images", "N", 3, 224, 224), spec("k", 2)], {"images": (1, 3, 224, 224)}),
        ([spec("nhwc", None, None, None, 3)], {"nhwc": (1, 640, 640, 3)}),
        ([spec("any", None, None, None, None)], {"any": (1, 3, 640, 640)}),
        ([spec("ids", "N", "T"), spec("mask", "N", "T")], {"ids": (1, 128), "mask": (1, 128)}),
        ([spec("seq", "T", "N", 80), spec("state", "N", 4)], {"seq": (1, 128, 80), "state": (128, 4)}),
        ([spec("x", "...")], {"x": (1, 3, 640, 640)}),
        ([spec("a b;c", "N")], {"a b;c": (1,)}),
    ],
)
def test_what_is_missing_is_listed_with_a_command_line_that_works(inputs, proposed):
    text = fails(bind, inputs, {})
    assert all(str(item) in text for item in inputs if not item.static)
    assert proposal(text) == proposed
    assert all(item.static for item in bind(inputs, proposal(text)))


def test_guesses_are_marked_and_the_batch_is_none():
    assert "guesses" not in fails(bind, [spec("x", "N", 3, 224, 224)], {})
    text = fails(bind, [spec("x", "N", 3, "H", "W")], {})
    assert "guesses" in text
    assert "x axis 2 = 640, axis 3 = 640" in text


sizes = st.one_of(st.integers(1, 5), st.sampled_from(["N", "T", "H", None]))


@given(st.lists(st.lists(sizes, max_size=5), min_size=1, max_size=4))
def test_the_proposal_is_always_accepted(shapes):
    inputs = [spec(f"input {number}", *shape) for number, shape in enumerate(shapes)]
    if not all(item.static for item in inputs):
        assert all(item.static for item in bind(inputs, proposal(fails(bind, inputs, {}))))
