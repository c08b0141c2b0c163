"""Finding the first operator that is wrong, by what parts of the model give."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from graphs import model, node, value
from hypothesis import given, settings
from hypothesis import strategies as st
from models import chain

from rkmend.diagnose.first_wrong import first_wrong
from rkmend.diagnose.oracle import BudgetSpent
from rkmend.graph import freeze, load


class Judge:
    """Calls every value wrong that depends on a guilty node in the part; counts what it is asked."""

    def __init__(
        self, *guilty: str, together: int = 1, refuses: int = 1 << 30, budget: int = 1 << 30
    ) -> None:
        self.guilty, self.together = set(guilty), together
        self.refuses, self.budget = refuses, budget
        self.asked = 0

    def __call__(self, part, _label):
        if self.asked == self.budget:
            raise BudgetSpent("spent")
        self.asked += 1
        if len(part.graph.outputs) > self.refuses:
            return None
        bad = set()
        for one in part.graph:
            started = one.name in self.guilty and len(part.graph) >= self.together
            if started or any(source in bad for source in one.inputs):
                bad.update(one.outputs)
        return {output.name: output not in bad for output in part.graph.outputs}


def searched(folder, length, judge) -> tuple[str, ...]:
    onnx.save(chain(length), folder / "m.onnx")
    return first_wrong(load(folder / "m.onnx").ir, {"y"}, judge)


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 120), st.data())
def test_the_first_of_the_guilty_is_found_in_few_trials(tmp_path_factory, length, data):
    guilty = data.draw(st.sets(st.integers(0, length - 1), min_size=1, max_size=3))
    judge = Judge(*(f"relu{number}" for number in guilty))
    assert searched(tmp_path_factory.mktemp("m"), length, judge) == (f"relu{min(guilty)}",)
    assert judge.asked <= 3  # two levels of 16 probes reach 16 * 16 nodes; one more to see it alone


def test_constants_are_not_to_blame(tmp_path):
    nodes = [
        node("Relu", "x", "a", "first"),
        node("Constant", "", "c", "constant", value=onnx.helper.make_tensor("c", 1, [4], [1.0] * 4)),
        node("Add", "a c", "b", "guilty"),
        node("Relu", "b", "y", "last"),
    ]
    onnx.save(model(nodes, [value("x", [1, 4])], [value("y", [1, 4])]), tmp_path / "m.onnx")
    judge = Judge("guilty", together=2)
    inferred = freeze(load(tmp_path / "m.onnx"), {}).ir
    assert first_wrong(inferred, {"y"}, judge) == ("guilty",)


def test_fewer_values_are_looked_at_where_many_are_too_much(tmp_path):
    judge = Judge("relu33", refuses=5)
    assert searched(tmp_path, 100, judge) == ("relu33",)


def test_neighbours_that_it_takes_are_named_too(tmp_path):
    found = searched(tmp_path, 60, Judge("relu20", together=4))
    assert "relu20" in found and 4 <= len(found) <= 5


def test_what_is_known_when_the_time_is_up_comes_back(tmp_path):
    assert searched(tmp_path, 100, Judge("relu20", budget=0)) == ()
    found = searched(tmp_path, 100, Judge("relu20", budget=2))
    assert found == ("relu20",)


def test_nothing_is_blamed_when_no_part_converts(tmp_path):
    assert searched(tmp_path, 20, Judge("relu3", refuses=0)) == ()


@pytest.mark.toolkit
def test_a_silent_mistake_in_the_middle_is_located(convert, tmp_path):
    """ConvTranspose with an odd output_shape is padded at the wrong end, between operators that are right."""
    weight = np.random.default_rng(0).standard_normal((4, 4, 3, 3)).astype(np.float32)
    up = node("ConvTranspose", "c w", "d", "up", strides=[2, 2], output_shape=[16, 16], kernel_shape=[3, 3])
    nodes = [
        node("Relu", "x", "a", "relu"),
        node("Tanh", "a", "b", "tanh"),
        node("Add", "a b", "c", "join"),
        up,
        node("Sigmoid", "d", "e", "sigmoid"),
        node("Mul", "d e", "y", "swish"),
    ]
    proto = model(nodes, [value("x", [1, 4, 8, 8])], [value("y", [1, 4, 16, 16])], {"w": weight}, opset=12)
    onnx.save(proto, tmp_path / "m.onnx")
    result = convert(tmp_path / "m.onnx", out=tmp_path / "out")
    assert result.culprits[0].nodes == ("up",)
    assert result.culprits[0].how.startswith("the first whose result is wrong")
