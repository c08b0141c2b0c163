"""Change: one simplification of a model, and what the passes of the reducer may ask of the hunt they are part of."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from rkmend.errors import RkmendError

if TYPE_CHECKING:
    import onnx_ir as ir


class CannotChange(RkmendError):
    """A change cannot be made: what it would give is no valid model. The message says why."""


@dataclass(frozen=True)
class Change:
    """One simplification.

    Attributes:
        element: What it is about, in the words of the certificate: `node 'conv' (Conv)`, `pads[2] of 'conv'`.
        what: What is done to it: `removed`, `1 -> 0`.
        apply: From a model, which stays as it is, to the simplified one. Shapes between inputs and outputs need
            not be up to date: the hunt infers and checks. Raises CannotChange.
    """

    element: str
    what: str
    apply: Callable[[ir.Model], ir.Model]


@dataclass(frozen=True)
class Scale:
    """A whole number of a model that may shrink: a size, a kernel, a group count.

    Attributes:
        element: As of a Change.
        current: What it is.
        smallest: The simplest value worth trying; `smallest < current`.
        apply: From a model and a value to the model with that value; see `Change.apply`.
    """

    element: str
    current: int
    smallest: int
    apply: Callable[[ir.Model, int], ir.Model]

    def to(self, value: int) -> Change:
        """The Change to one value."""
        return Change(self.element, f"{self.current} -> {value}", lambda model: self.apply(model, value))


class Hunt(Protocol):
    """A reduction under way."""

    @property
    def model(self) -> ir.Model:
        """The smallest model so far that fails alike."""
        ...

    def first(self, changes: Iterable[Change]) -> Change | None:
        """Tries changes of `model` in order, several at once, and adopts the first that still fails alike.

        Changes that give no valid model cost no trial. After an adoption the changes that are left are not
        drawn: they were made for a model that is no longer the smallest.

        Returns:
            The Change that was adopted: `model` is another one now. None if none was.
        """
        ...
