"""The certificate of a reduction, an element a line: what was tried on it, and what came of that."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from rkmend.diagnose.oracle import Observation
from rkmend.diagnose.reduction.record import Proviso, Reduction


@dataclass
class Tried:
    """Everything that was tried on one element of the reproducer.

    Attributes:
        element: As in `Proviso.element`.
        cured: Changes after which it did not fail, in order.
        otherwise: Change -> how it failed then, in another way than before.
        impossible: Change -> why it gives no valid model.
    """

    element: str
    cured: list[str] = field(default_factory=list)
    otherwise: dict[str, str] = field(default_factory=dict)
    impossible: dict[str, str] = field(default_factory=dict)


def by_element(certificate: Iterable[Proviso]) -> list[Tried]:
    """The certificate by element, in order of first mention."""
    found: dict[str, Tried] = {}
    for line in certificate:
        tried = found.setdefault(line.element, Tried(line.element))
        if line.observation is None:
            tried.impossible[line.change] = line.reason
        elif line.observation.failure is None:
            tried.cured.append(line.change)
        else:
            tried.otherwise[line.change] = line.observation.failure
    return list(found.values())


def shown(reduction: Reduction) -> Observation:
    """The run that a report quotes: the last of the reproducer that gave the failure, else of the model as given.

    Raises:
        ValueError: There is none; a reduction has at least its baseline.
    """
    for observation in (*reversed(reduction.final), *reversed(reduction.baseline)):
        if observation.failure == reduction.failure:
            return observation
    raise ValueError("a reduction without a run that gave its failure")


def attributes_text(attributes: Mapping[str, str]) -> str:
    """Attributes of a node on a line: `kernel_shape=[1, 1], pads=[0, 0, 1, 0]`."""
    return ", ".join(f"{name}={value}" for name, value in attributes.items())
