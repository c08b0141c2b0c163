"""A recipe: written, read, and what does not fit."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from graphs import model, node, value

from rkmend.errors import InputError
from rkmend.recipe import RecipeStep, load_recipe, look_up, recipe_of, save_recipe
from rkmend.records import Status
from rkmend.rules import get_rule
from rule_bench import RK3588, loaded

MAP = [1, 3, 12, 12]


def two_affines(opset: int = 7) -> onnx.ModelProto:
    nodes = [
        node("Affine", "x", "a", "first", alpha=2.0, beta=1.0),
        node("Affine", "a", "y", "second", alpha=0.5, beta=-1.0),
    ]
    return model(nodes, [value("x", MAP)], [value("y", MAP)], opset=opset)


def test_what_is_written_is_read(tmp_path):
    whole = loaded(two_affines(), tmp_path)
    finding = next(iter(get_rule("RKM204").find(whole, RK3588)))
    (mend,) = get_rule("RKM204").mends(whole, RK3588, finding)
    recipe = recipe_of([(finding, mend)], "rk3588", "2.3.2")
    save_recipe(recipe, tmp_path / "r.toml")
    assert load_recipe(tmp_path / "r.toml") == recipe
    assert look_up(recipe.steps[0], whole, RK3588)[0] == finding


@pytest.mark.parametrize(
    ("step", "why"),
    [
        (RecipeStep("RKM204", "mul-add", ("third",)), "no node third"),
        (RecipeStep("RKM204", "no-such-mend", ("first",)), "no mend of that name"),
    ],
)
def test_a_step_that_does_not_fit(step, why, tmp_path):
    with pytest.raises(InputError, match=why):
        look_up(step, loaded(two_affines(), tmp_path), RK3588)


@pytest.mark.parametrize("text", ["", "schema = 'rkmend-recipe/9'\ntarget='a'\ntoolkit='b'\nmend=[]", "x ="])
def test_a_file_that_is_no_recipe(text, tmp_path):
    (tmp_path / "r.toml").write_text(text)
    with pytest.raises(InputError, match="recipe"):
        load_recipe(tmp_path / "r.toml")


@pytest.mark.toolkit
def test_a_conversion_is_replayed_without_a_search(convert, tmp_path):
    onnx.save(two_affines(), tmp_path / "m.onnx")
    first = convert(tmp_path / "m.onnx", out=tmp_path / "first")
    assert first.status is Status.MENDED, first.reason
    again = convert(tmp_path / "m.onnx", out=tmp_path / "again", recipe=first.files["recipe"])
    assert again.status is Status.MENDED, again.reason
    assert [mend.name for mend in again.mends] == [mend.name for mend in first.mends]
    assert all(mend.proof.holds for mend in again.mends) and all(check.ok for check in again.verification)
    assert {trial.outcome for trial in again.trials} == {"converted"}  # nothing was searched for


@pytest.mark.toolkit
def test_a_tail_that_the_toolkit_cannot_do_is_handed_over(convert, tmp_path):
    random = np.random.default_rng(0)
    nodes = [
        node("Conv", "x w", "c", "conv"),
        node("Sigmoid", "c", "s", "scores"),
        node("NonZero", "s", "y", "places"),
    ]
    weights = {"w": random.standard_normal((8, 3, 3, 3)).astype(np.float32)}
    outputs = [value("y", [4, None], onnx.TensorProto.INT64)]
    onnx.save(model(nodes, [value("x", MAP)], outputs, weights, opset=21), tmp_path / "m.onnx")
    result = convert(tmp_path / "m.onnx", out=tmp_path / "out")
    assert result.status is Status.PARTIAL and result.ok, result.reason
    assert [mend.code for mend in result.mends] == ["RKM001"]
    assert result.tail.nodes == ("places",) and [spec.name for spec in result.tail.inputs] == ["s"]
    assert [check.output for check in result.verification] == ["s"] and all(c.ok for c in result.verification)
    tail = onnx.load(result.files["tail"])
    assert [node.op_type for node in tail.graph.node] == ["NonZero"]
