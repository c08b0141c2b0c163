"""Operators in the form of every operator set, as ONNX Runtime takes them."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir
import pytest
from graphs import model, node, run, value

from rkmend.graph import infer
from rkmend.rules import CannotApply
from rkmend.rules.forms import clipped, cut, joined, padded, reduced, reshaped, sliced, split, unsqueezed
from rkmend.rules.replacement import Replacement

SHAPE = [2, 3, 4]
DATA = np.arange(-8, 16, dtype=np.float32).reshape(SHAPE)
OPSETS = [7, 10, 11, 13, 18]
FORMS = {
    "reshaped": (lambda new, x: reshaped(new, "f", x, [4, 6]), DATA.reshape(4, 6)),
    "unsqueezed": (lambda new, x: unsqueezed(new, "f", x, 1), DATA[:, None]),
    "cut": (lambda new, x: cut(new, "f", x, -1, 1, 3), DATA[..., 1:3]),
    "sliced": (lambda new, x: sliced(new, "f", x, [1, 0], [2, 3], [1, 2]), DATA[:, 1:2, :3]),
    "split": (lambda new, x: split(new, "f", x, 2, [1, 3])[1], DATA[..., 1:]),
    "one piece": (lambda new, x: split(new, "f", x, 2, [4])[0], DATA),
    "joined": (lambda new, x: joined(new, "f", [x, x], 1), np.concatenate([DATA, DATA], 1)),
    "one part": (lambda new, x: joined(new, "f", [x], 1), DATA),
    "padded": (
        lambda new, x: padded(new, "f", x, [0, 1, 0, 0, 0, 2]),
        np.pad(DATA, [(0, 0), (1, 0), (0, 2)]),
    ),
    "not padded": (lambda new, x: padded(new, "f", x, [0] * 6), DATA),
    "sum": (lambda new, x: reduced(new, "f", "ReduceSum", x, [0, 2]), DATA.sum((0, 2), keepdims=True)),
    "max": (lambda new, x: reduced(new, "f", "ReduceMax", x, [1]), DATA.max(1, keepdims=True)),
    "clipped": (lambda new, x: clipped(new, "f", x, -1.0, 2.5), DATA.clip(-1, 2.5)),
}


def rewritten(form, opset: int) -> ir.Model:
    """A model of the form, between two operators that change nothing."""
    nodes = [
        node("Identity", "x", "a", "first"),
        node("Identity", "a", "b", "old"),
        node("Identity", "b", "y", "last"),
    ]
    given = ir.from_proto(model(nodes, [value("x", SHAPE)], [value("y", None)], opset=opset))
    infer(given)
    old = given.graph[1]
    new = Replacement(old, code="RKM000", mend="form")
    new.finish(form(new, old.inputs[0]))
    return given


@pytest.mark.parametrize("opset", OPSETS)
@pytest.mark.parametrize("name", FORMS)
def test_every_operator_set(name, opset):
    form, expected = FORMS[name]
    np.testing.assert_array_equal(run(ir.to_proto(rewritten(form, opset)), {"x": DATA})["y"], expected)


def test_steps_came_with_opset_10():
    def form(new, x):
        return cut(new, "f", x, 2, 0, 4, 2)

    np.testing.assert_array_equal(run(ir.to_proto(rewritten(form, 10)), {"x": DATA})["y"], DATA[..., ::2])
    with pytest.raises(CannotApply, match="opset 10"):
        rewritten(form, 9)
