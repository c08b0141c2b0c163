"""RKM002 to RKM007: what a model holds besides a plain graph of operators."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from graphs import model, node, value
from onnx import TensorProto as Tensor
from onnx import helper, numpy_helper

from rkmend.mend.apply import apply
from rkmend.rules import CannotApply
from rule_bench import findings, loaded, only_finding, rewrite_and_trial

MAP = [1, 3, 8, 8]


def calls_functions() -> onnx.ModelProto:
    """Two calls of a function that calls another, with an attribute."""
    own = helper.make_opsetid("own", 1)
    standard = helper.make_opsetid("", 17)
    leaky = node("LeakyRelu", "a", "b", "leaky")
    leaky.attribute.append(onnx.AttributeProto(name="alpha", type=1, ref_attr_name="slope"))
    inner = helper.make_function("own", "Inner", ["a"], ["b"], [leaky], [standard], ["slope"])
    outer = helper.make_function(
        "own",
        "Outer",
        ["a"],
        ["c"],
        [node("Inner", "a", "b", "inner", domain="own", slope=0.5), node("Sigmoid", "b", "c", "sigmoid")],
        [standard, own],
    )
    nodes = [node("Outer", "x", "h", "one", domain="own"), node("Outer", "h", "y", "two", domain="own")]
    return model(nodes, [value("x", MAP)], [value("y", MAP)], functions=[inner, outer], opsets=[own])


def branches(then: list, other: list, *, output=MAP) -> dict[str, onnx.GraphProto]:
    """The branches of an If; both give out `b`."""
    return {
        "then_branch": helper.make_graph(then, "then", [], [value("b", output)]),
        "else_branch": helper.make_graph(
            other, "else", [], [value("b", output)], [numpy_helper.from_array(np.float32(2), "k")]
        ),
    }


def chooses(taken: bool) -> onnx.ModelProto:
    """An If with a constant condition in a branch of another; what it reads is made outside of both."""
    inner = node(
        "If",
        "c",
        "b",
        "inner",
        **branches([node("Relu", "h", "b", "relu")], [node("Mul", "h k", "b", "mul")]),
    )
    outer = node("If", "t", "y", "outer", **branches([inner], [node("Mul", "h k", "b", "other")]))
    weights = {"c": np.array(taken), "t": np.array([True])}
    return model([node("Neg", "x", "h", "neg"), outer], [value("x", MAP)], [value("y", MAP)], weights)


def open_if(*, other: list | None = None, output=MAP) -> onnx.ModelProto:
    """An If whose condition is computed from the input."""
    nodes = [
        node("ReduceMax", "x", "m", "max", keepdims=0),
        node("Greater", "m zero", "c", "greater"),
        node(
            "If",
            "c",
            "y",
            "if",
            **branches(
                [node("Relu", "x", "b", "relu")], other or [node("Mul", "x k", "b", "mul")], output=output
            ),
        ),
    ]
    weights = {"zero": np.array(0.5, np.float32)}
    return model(nodes, [value("x", MAP)], [value("y", output)], weights)


def loop(
    *, limit: int | None = 3, last: int | None = None, collects: bool = True, opset: int = 17
) -> onnx.ModelProto:
    """A Loop over a tensor and one that it passes on; stops after the round `last`, if that is given."""
    condition = (
        node("Less", "i last", "go", "less") if last is not None else node("Identity", "c", "go", "go")
    )
    nodes = [
        condition,
        node("Cast", "i", "f", "number", to=1),
        node("Add", "v f", "a", "add"),
        node("Mul", "a k", "b", "mul"),
        node("Relu", "p", "r", "relu"),
    ]
    inner = helper.make_graph(
        nodes,
        "body",
        [value("i", [], Tensor.INT64), value("c", [], Tensor.BOOL), value("v", MAP), value("p", MAP)],
        [value("go", [], Tensor.BOOL), value("b", MAP), value("p", MAP), *([value("r", MAP)] * collects)],
        [numpy_helper.from_array(np.float32(0.5), "k"), numpy_helper.from_array(np.array(last or 0), "last")],
    )
    rounds = limit if last is None else last + 1
    weights = {} if limit is None else {"n": np.array(limit)}
    outputs = ["y", "same", *(["s"] * collects)]
    made = helper.make_node("Loop", ["n" if weights else "", "", "x", "x"], outputs, "loop", body=inner)
    shapes = [value("y", MAP), *([value("s", [rounds, *MAP])] * collects)]
    return model([made], [value("x", MAP)], shapes, weights, opset=opset)


def size_of_input() -> onnx.ModelProto:
    nodes = [
        node("Size", "x", "s", "size"),
        node("Cast", "s", "f", "cast", to=1),
        node("Div", "x f", "y", "div"),
    ]
    return model(nodes, [value("x", MAP)], [value("y", MAP)])


CASES = {
    "functions": ("RKM002", calls_functions()),
    "first_branch": ("RKM004", chooses(True)),
    "other_branch": ("RKM004", chooses(False)),
    "open_condition": ("RKM005", open_if()),
    "loop": ("RKM006", loop()),
    "loop_of_opset_11": ("RKM006", loop(opset=11)),
    "loop_that_ends_by_itself": ("RKM006", loop(limit=None, last=1)),
    "loop_that_ends_early": ("RKM006", loop(limit=9, last=2)),
    "loop_without_a_round": ("RKM006", loop(limit=0, collects=False)),
    "size": ("RKM007", size_of_input()),
}


test_rewrite, test_trial = rewrite_and_trial(
    CASES, ["functions", "other_branch", "open_condition", "loop", "size"]
)


REFUSED = {
    "other shapes": ("RKM005", open_if(other=[node("Flatten", "x", "b", "flat")], output=None), "shapes"),
    "endless": ("RKM006", loop(limit=10**6), "more than 1024"),
    "no round": ("RKM006", loop(limit=0), "no round"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_fit_is_refused(case, tmp_path):
    code, proto, why = REFUSED[case]
    before = loaded(proto, tmp_path)
    _finding, mend = only_finding(code, before)
    with pytest.raises(CannotApply, match=why):
        apply(before, mend)


@pytest.mark.parametrize("code", ["RKM002", "RKM004", "RKM005", "RKM006", "RKM007"])
def test_a_plain_graph_is_left_alone(code, tmp_path):
    nodes = [
        node("Constant", "", "c", "constant", value=numpy_helper.from_array(np.ones(8, np.float32))),
        node("Mul", "x c", "y", "mul"),
    ]
    assert not findings(code, model(nodes, [value("x", MAP)], [value("y", MAP)]), tmp_path)


def test_a_random_constant_stays(tmp_path):
    nodes = [node("RandomNormal", "", "r", "random", shape=MAP), node("Add", "x r", "y", "add")]
    assert not findings("RKM007", model(nodes, [value("x", MAP)], [value("y", MAP)]), tmp_path)
