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

GIVEN, CHANGED = "no", "yes"
"""Whether a simplification is taken: `node 'relu' (Relu): removed: no -> yes`."""
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
            Feature(name, _number(name)) if isinstance(step, Scale) else _yes_no(step, name)
            for name, step in self._steps.items()
        )

    def build(self, point: Point) -> ir.Model:
        """See `Family.build`."""
        model = validated(self.culprit)
        for name, step in self._steps.items():
            value = point[name]
            try:
                if isinstance(step, Scale) and value != step.current:
                    model = validated(step.apply(model, cast(int, value)))
                elif isinstance(step, Change) and value == CHANGED:
                    model = validated(step.apply(model))
            except (CannotChange, CannotExtract, InvalidModel) as error:
                raise CannotBuild(error.message) from error
            except (LookupError, StopIteration, ValueError, AttributeError) as error:
                # A change is made for the culprit as it is; what it is about may be gone by now.
                raise CannotBuild(f"'{name}' is not to be had together with the other changes") from error
        return model


def _yes_no(step: Change, factor: str) -> Feature:
    """What holds of the culprit and not of the changed one."""
    english, chinese = (
        f"{step.element} as given (not {step.what})",
        f"{step.element} 未作此改动 ({step.what})",
    )
    if step.what == "removed":
        english, chinese = f"{step.element} is there", f"{step.element} 存在"
    return Feature(english, lambda point: float(point[factor] == GIVEN), yes_no=True, name_zh=chinese)


def _number(name: str) -> Callable[[Point], float]:
    return lambda point: float(point[name])
