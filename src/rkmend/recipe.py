"""Recipe: the mends of a conversion in a file, to apply them again without a search."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from rkmend.errors import InputError
from rkmend.files import atomic_write
from rkmend.rules import Fact, Finding, Mend, get_rule
from rkmend.targets import Target

if TYPE_CHECKING:
    import onnx_ir as ir

SCHEMA = "rkmend-recipe/1"


class RecipeStep(msgspec.Struct, frozen=True):
    """One mend and where it goes."""

    rule: str
    mend: str
    nodes: tuple[str, ...] = ()
    """As named at the time: after the mends before it."""
    facts: dict[str, Fact] = {}


class Recipe(msgspec.Struct, frozen=True, rename={"steps": "mend"}):
    """The mends, in their order.

    Attributes:
        target: It was found for; on another one it is tried and verified all the same.
        toolkit: It was found with.
    """

    schema: str
    target: str
    toolkit: str
    steps: tuple[RecipeStep, ...]


def recipe_of(steps: Iterable[tuple[Finding, Mend]], target: str, toolkit: str) -> Recipe:
    """The recipe of mends that were applied."""
    return Recipe(
        SCHEMA,
        target,
        toolkit,
        tuple(
            RecipeStep(finding.code, mend.name, finding.nodes, dict(finding.facts)) for finding, mend in steps
        ),
    )


def save_recipe(recipe: Recipe, path: Path) -> None:
    """Writes it as TOML, whole or not at all."""
    atomic_write(path, msgspec.toml.encode(recipe))


def load_recipe(path: Path) -> Recipe:
    """Reads it.

    Raises:
        InputError: The file cannot be read, is no recipe, or names a rule that does not exist.
    """
    try:
        recipe = msgspec.toml.decode(path.read_bytes(), type=Recipe)
    except OSError as error:
        raise InputError(f"cannot read the recipe {path}: {error.strerror or error}") from error
    except msgspec.DecodeError as error:
        raise InputError(
            f"{path} is no recipe: {error}", hint="Give a recipe.toml that `rkmend convert` has written."
        ) from error
    if recipe.schema != SCHEMA:
        raise InputError(f"{path} is a recipe of another kind: {recipe.schema}", hint=f"Known is {SCHEMA}.")
    for step in recipe.steps:
        get_rule(step.rule)
    return recipe


def look_up(step: RecipeStep, model: ir.Model, target: Target) -> tuple[Finding, Mend]:
    """A step as finding and mend of a model.

    Raises:
        InputError: The rule does not hold there, or has no such mend.
    """
    rule = get_rule(step.rule)
    known = [finding for finding in rule.find(model, target) if finding.nodes == step.nodes]
    here = {str(node.name) for node in model.graph}
    if not known and not set(step.nodes) <= here:
        raise _misfit(step, f"the model has no node {', '.join(sorted(set(step.nodes) - here))}")
    # A rule that only follows from a log finds nothing in the graph: then the recipe is the finding.
    finding = known[0] if known else Finding(rule.code, rule.name, step.nodes, step.facts, "By the recipe.")
    for mend in rule.mends(model, target, finding):
        if mend.name == step.mend:
            return finding, mend
    raise _misfit(step, f"rule {rule.code} has no mend of that name there")


def _misfit(step: RecipeStep, why: str) -> InputError:
    place = ", ".join(step.nodes) or "the whole model"
    return InputError(
        f"the recipe's mend {step.rule} {step.mend} at {place} does not fit: {why}",
        hint="Convert without --recipe to search for the mends of this model.",
    )
