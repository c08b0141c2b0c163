"""A mend that was proved and makes the whole model wrong all the same: it is named, and another takes its place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from graphs import model, node, value

from rkmend.records import Conversion, Status
from rkmend.rules import Exactness, Finding, Mend, Rule, get_rule
from rkmend.rules.replacement import Replacement
from rkmend.rules.selection import Selection

MAP = [1, 3, 12, 12]
RIGHT = ("RKM204", "RKM202")
"""The rules that mend the two operators of the model rightly."""


class Scaler(Rule):
    """What the rules of this test have in common: they mend an ImageScaler."""

    name: ClassVar[str] = "wrong-scaler"
    exactness: ClassVar[Exactness] = Exactness.ROUNDING

    def find(self, model, target):
        for one in model.graph:
            if one.op_type == "ImageScaler":
                yield Finding(self.code, self.name, (str(one.name),), {}, "It is an ImageScaler.")

    def recognises(self, verdict):
        return not verdict.converted

    def mends(self, model, target, finding):
        def rewrite(copy: ir.Model) -> None:
            old = next(one for one in copy.graph if one.name == finding.nodes[0])
            new = Replacement(old, code=self.code, mend=self.name)
            new.finish(
                self.scaled(new, old.inputs[0], np.array(old.attributes.get_floats("bias"), np.float32))
            )

        # Of the same name as the right one: then the order of the rules decides which is tried first.
        return [Mend("mul-add", "Adds the bias.", self.exactness, rewrite, bound=10.0)]

    scaled: Callable[[Replacement, ir.Value, np.ndarray], ir.Value]


class TooGenerous(Scaler):
    """Adds half of the bias, which its bound allows."""

    code = "RKM998"
    exactness = Exactness.BOUNDED

    def scaled(self, new, x, bias):
        return new.node("add", "Add", [x, new.constant("bias", bias.reshape(1, -1, 1, 1) / 2)])


class WrongOnTheNpu(Scaler):
    """Moves the map by one and back, in a form that the toolkit pads at the wrong end: right in ONNX Runtime alone."""

    code = "RKM999"

    def scaled(self, new, x, bias):
        last = np.zeros((3, 1, 2, 2), np.float32)
        last[..., 1, 1] = 1
        sizes = {"group": 3, "output_shape": MAP[2:], "kernel_shape": [2, 2]}
        same = new.node("up", "ConvTranspose", [x, new.constant("last", last)], sizes)
        return new.node("add", "Add", [same, new.constant("bias", bias.reshape(1, -1, 1, 1))])


@dataclass(frozen=True)
class These(Selection):
    """A choice of rules among which one is not in the registry."""

    rules_: tuple[Rule, ...] = ()

    def rules(self) -> tuple[Rule, ...]:
        return self.rules_


def converted(convert, folder, wrong: Rule, right: Sequence[str] = RIGHT) -> Conversion:
    """Converts a model with three operators that the toolkit rejects; `wrong` comes before all others."""
    nodes = [
        node("Affine", "x", "a", "first", alpha=2.0, beta=1.0),
        node("ImageScaler", "a", "b", "second", scale=1.0, bias=[4.0, -8.0, 6.0]),
        node("Affine", "b", "c", "third", alpha=0.5, beta=-1.0),
        node("Relu", "c", "y", "last"),
    ]
    onnx.save(model(nodes, [value("x", MAP)], [value("y", MAP)], opset=7), folder / "m.onnx")
    rules = These(rules_=(wrong, *map(get_rule, right)))
    return convert(folder / "m.onnx", out=folder / "out", rules=rules, exactness=Exactness.BOUNDED)


@pytest.mark.toolkit
@pytest.mark.parametrize(
    ("wrong", "evidence"),
    [
        (TooGenerous(), "ONNX Runtime, rounding to fp16"),
        (WrongOnTheNpu(), "the simulator is wrong on second/"),
    ],
)
def test_the_wrong_one_among_right_ones_is_named_and_replaced(convert, tmp_path, wrong, evidence):
    result = converted(convert, tmp_path, wrong)
    assert result.status is Status.MENDED, result.reason
    assert sorted(mend.code for mend in result.mends) == ["RKM202", "RKM204", "RKM204"]
    (note,) = (note for note in result.notes if "left out" in note)
    assert f"{wrong.code} mul-add at second" in note and evidence in note
    (rejected,) = (
        mend for mend in result.rejected_mends if mend.code == wrong.code and "disagree" in mend.why
    )
    assert rejected.nodes == ("second",)
    assert all(check.ok for check in result.verification)


@pytest.mark.toolkit
def test_without_another_mend_the_refusal_names_it(convert, tmp_path):
    result = converted(convert, tmp_path, TooGenerous(), right=["RKM204"])
    assert result.status is Status.REFUSED
    assert any("RKM998 mul-add at second" in note for note in result.notes)
