"""Sequences of tensors whose elements are known."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from graphs import model, node, value

from rkmend.mend.apply import apply
from rkmend.rules.base import CannotApply
from rule_bench import findings, loaded, only_finding, rewrite_and_trial

CODE = "RKM255"
SHAPE = [1, 4, 6, 8]


def pieces(*, keepdims: int = 1, sizes: list[int] | int | None = None, second: int = 1) -> onnx.ModelProto:
    """The second piece along the channels, of size `second`, doubled."""
    given = "" if sizes is None else " sizes"
    nodes = [
        node("SplitToSequence", "x" + given, "s", "split", axis=1, keepdims=keepdims),
        node("SequenceAt", "s second", "p", "at"),
        node("Add", "p p", "y", "add"),
    ]
    weights = {"second": np.array(1), **({} if sizes is None else {"sizes": np.array(sizes)})}
    made = [1, second, 6, 8] if keepdims else [1, 6, 8]
    return model(nodes, [value("x", SHAPE)], [value("y", made)], weights)


def edited(new_axis: int) -> onnx.ModelProto:
    """Two tensors and their sum, put in and taken out again, joined as (sum, sum, second)."""
    nodes = [
        node("Add", "a b", "c", "add"),
        node("SequenceConstruct", "a b", "s0", "construct"),
        node("SequenceInsert", "s0 c", "s1", "last"),
        node("SequenceInsert", "s1 c first", "s2", "insert"),
        node("SequenceErase", "s2 second", "s3", "erase"),
        node("SequenceAt", "s3 minus_one", "e", "at"),
        node("SequenceErase", "s3", "s4", "erase_last"),
        node("SequenceInsert", "s4 e first", "s5", "again"),
        node("ConcatFromSequence", "s5", "y", "join", axis=1, new_axis=new_axis),
    ]
    weights = {"first": np.array(0), "second": np.array(1), "minus_one": np.array(-1)}
    made = [1, 3, 4, 6] if new_axis else [1, 12, 6]
    return model(nodes, [value("a", [1, 4, 6]), value("b", [1, 4, 6])], [value("y", made)], weights)


CASES = {
    "pieces": pieces(),
    "pieces without their axis": pieces(keepdims=0),
    "uneven pieces": pieces(sizes=[1, 3], second=3),
    "pieces of one size": pieces(sizes=2, second=2),
    "joined": edited(0),
    "stacked": edited(1),
}


test_rewrite, test_trial = rewrite_and_trial(
    {name: (CODE, proto) for name, proto in CASES.items()}, tried=["uneven pieces", "joined"]
)


def test_a_position_that_is_computed_is_refused(tmp_path):
    proto = pieces()
    del proto.graph.initializer[:]
    proto.graph.input.append(value("second", [], onnx.TensorProto.INT64))
    before = loaded(proto, tmp_path)
    with pytest.raises(CannotApply, match="not constant"):
        apply(before, only_finding(CODE, before)[1])


def test_no_sequence_no_finding(tmp_path):
    split = node("Split", "x", "a b", "split", axis=1)
    proto = model([split], [value("x", SHAPE)], [value(name, [1, 2, 6, 8]) for name in "ab"], opset=13)
    assert findings(CODE, proto, tmp_path) == []
