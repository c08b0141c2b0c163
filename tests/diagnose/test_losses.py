"""Which tensors are computed from which, and in which of them numbers are lost."""

from __future__ import annotations

import onnx
from graphs import model, node, value
from hypothesis import given
from hypothesis import strategies as st

from rkmend.diagnose.losses import feeds, largest_loss, sources
from rkmend.graph import load

NODES = [
    node("Relu", "x", "a", "first"),
    node("Sigmoid", "a", "hidden", "between"),
    node("Add", "hidden x", "b", "second"),
    node("Mul", "a b", "c", "join"),
    node("Relu", "x", "d", "other"),
]


def loaded(folder):
    shape = [1, 4]
    onnx.save(model(NODES, [value("x", shape)], [value("c", shape), value("d", shape)]), folder / "m.onnx")
    return load(folder / "m.onnx").ir


def test_what_lies_between_is_passed_over_and_inputs_lose_nothing(tmp_path):
    assert feeds(loaded(tmp_path), {"x", "a", "b", "c", "d"}) == {
        "a": frozenset(),
        "b": {"a"},  # by way of `hidden`, which nobody measured
        "c": {"a", "b"},
        "d": frozenset(),
    }


def test_a_source_is_wrong_while_what_feeds_it_is_right():
    behind = {"a": (), "b": ("a",), "c": ("a", "b"), "d": ()}
    assert sources(behind, {"b", "c"}) == {"b"}
    assert sources(behind, {"c", "d"}) == {"c", "d"}
    assert not sources(behind, ())


def test_what_the_toolkit_added_has_no_place_and_is_no_source():
    assert not sources({"a": ()}, {"x_int8"})


def test_the_largest_loss_is_counted_from_what_was_lost_before():
    behind = {"a": (), "b": ("a",), "c": ("a", "b")}
    assert largest_loss(behind, {"a": 0.01, "b": 0.05, "c": 0.06}) == "b"  # c has more, and most of it from b
    assert largest_loss(behind, {"a": 0.0, "b": 0.0, "c": 0.0}) == ""
    assert largest_loss({}, {}) == ""


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.booleans()), min_size=1, max_size=20))
def test_every_wrong_tensor_comes_from_a_source(steps):
    """Some way leads from each wrong tensor back to a source, over wrong tensors only."""
    behind, wrong = {}, set()
    for number, (one, other, is_wrong) in enumerate(steps):
        behind[str(number)] = {str(number - back) for back in (one, other) if 0 < back <= number}
        wrong |= {str(number)} if is_wrong else set()
    found = sources(behind, wrong)
    for tensor in wrong:
        while tensor not in found:
            tensor = next(iter(behind[tensor] & wrong))
