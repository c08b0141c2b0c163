"""The family of any culprit: every simplification that the reducer knows, each taken or not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, cast

from rkmend.diagnose.cause.family import CannotBuild, Factor, Feature, Point
from rkmend.diagnose.reduction.change import CannotChange, Change, Scale
from rkmend.diagnose.reduction.nodes import node_changes
from rkmend.diagnose.reduction.parameters import parameters
from rkmend.graph import CannotExtract, InvalidModel, validated

if TYPE_CHECKING:
    import onnx_ir as ir

GIVEN, CHANGED = "as given", "changed"
MOST_FACTORS = 96
"""A larger culprit has more; the first ones, nodes and sizes, tell most."""
WITHOUT_MEANING = ("names", "remarks")
"""Elements whose change says nothing about a cause."""


@dataclass(frozen=True)
class GeneralFamily:
    """Models between a culprit and what is left of it when everything is made simple.

    Attributes:
        culprit: Its nodes are needed for the failure; sizes, attributes and weights are those of the model as given.
    """

    culprit: ir.Model

    @cached_property
    def _steps(self) -> dict[str, Change | Scale]:
        steps = [*node_changes(self.culprit), *parameters(self.culprit)]
        named = {
            step.element if isinstance(step, Scale) else f"{step.element}: {step.what}": step
            for step in steps
            if step.element not in WITHOUT_MEANING
        }
        return dict(list(named.items())[:MOST_FACTORS])

    @cached_property
    def factors(self) -> tuple[Factor, ...]:
        """See `Family.factors`."""
        return tuple(
            Factor(name, step.smallest, step.current)
            if isinstance(step, Scale)
            else Factor(name, choices=(GIVEN, CHANGED))
            for name, step in self._steps.items()
        )

    @cached_property
    def start(self) -> Point:
        """The culprit; see `Family.start`."""
        return {
            name: step.current if isinstance(step, Scale) else GIVEN for name, step in self._steps.items()
        }

    @cached_property
    def features(self) -> tuple[Feature, ...]:
        """See `Family.features`."""
        return tuple(
            Feature(name, _number(name))
            if isinstance(step, Scale)
            else Feature(f"not ({name})", _is_given(name))
            for name, step in self._steps.items()
        )

    def build(self, point: Point) -> ir.Model:
        """See `Family.build`."""
        model = self.culprit
        try:
            for name, step in self._steps.items():
                value = point[name]
                if isinstance(step, Scale):
                    if value != step.current:
                        model = validated(step.apply(model, cast(int, value)))
                elif value == CHANGED:
                    model = validated(step.apply(model))
        except (CannotChange, CannotExtract, InvalidModel) as error:
            raise CannotBuild(error.message) from error
        return model if model is not self.culprit else validated(model)


def _number(name: str) -> Callable[[Point], float]:
    return lambda point: float(point[name])


def _is_given(name: str) -> Callable[[Point], float]:
    return lambda point: float(point[name] == GIVEN)
