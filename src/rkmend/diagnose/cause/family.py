"""Family: the models that an explanation speaks of, made from named factors of which each can be varied on its own."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from rkmend.errors import RkmendError

if TYPE_CHECKING:
    import onnx_ir as ir

Value = int | str
"""Of a factor: a size, or a word such as `Relu` or `no`."""
Point = Mapping[str, Value]
"""One model of a family: a value for every factor, by name."""

Both = tuple[str, str]
"""The same in English and in Chinese."""


class CannotBuild(RkmendError):
    """There is no valid model at a point."""


@dataclass(frozen=True)
class Factor:
    """Something that can be varied.

    Attributes:
        name: In the words of the field: `height`, `pad_bottom`, `bias`.
        low: Smallest value of an ordered factor.
        high: Largest value of an ordered factor.
        choices: Values of a factor that is not ordered; empty for an ordered one.
        beyond: Further values that are tried one by one; a statement does not cover them.
    """

    name: str
    low: int = 0
    high: int = 0
    choices: tuple[Value, ...] = ()
    beyond: tuple[Value, ...] = ()

    def ladder(self, start: Value) -> list[Value]:
        """Values to try one by one: all choices; or both ends, the neighbours and a few sizes between."""
        values = [*self.choices]
        if not self.choices:
            assert isinstance(start, int)
            rungs = {self.low, self.high, start - 1, start + 1, start // 2, start * 2}
            rungs.add(round(math.sqrt(max(1, start) * max(1, self.high))))
            values = [value for value in sorted(rungs) if self.low <= value <= self.high]
        return [value for value in (*values, *self.beyond) if value != start]

    def draw(self, random: np.random.Generator) -> Value:
        """A value at random: small ones and large ones alike, as sizes are spread in practice."""
        if self.choices:
            return self.choices[int(random.integers(len(self.choices)))]
        if self.high - self.low < 8 or self.low <= 0:
            return int(random.integers(self.low, self.high + 1))
        return round(math.exp(random.uniform(math.log(self.low), math.log(self.high))))

    def step(self, value: Value, random: np.random.Generator) -> Value:
        """A neighbour of a value, or a value at random where there are no neighbours: boundaries are narrow."""
        if self.choices or not isinstance(value, int):
            return self.draw(random)
        return min(self.high, max(self.low, value + int(random.choice([-2, -1, 1, 2]))))

    def __str__(self) -> str:
        if self.choices:
            return ", ".join(map(str, self.choices))
        return f"{self.low} to {self.high}" if self.low < self.high else str(self.low)


@dataclass(frozen=True)
class Feature:
    """A number that a statement may be about: a factor, or what follows from several.

    Attributes:
        name: As it stands in the predicate, for example `pad_bottom - (dilated_kernel_h - 1)`.
        of: Its value at a point.
        cost: How much is asked of the reader: 1 for a factor; a statement about simple things is preferred.
        yes_no: Whether the name is a statement that holds (1) or does not (0).
        name_zh: Such a statement in Chinese; names of numbers are the same in all languages.
        meaning: A sentence for a name that does not explain itself.
        meaning_zh: The same in Chinese.
    """

    name: str
    of: Callable[[Point], float]
    cost: float = 1.0
    yes_no: bool = False
    name_zh: str = ""
    meaning: str = ""
    meaning_zh: str = ""


class Family(Protocol):
    """The models that an explanation speaks of."""

    @property
    def factors(self) -> tuple[Factor, ...]:
        """What can be varied."""
        ...

    @property
    def start(self) -> Point:
        """The reproducer."""
        ...

    @property
    def features(self) -> tuple[Feature, ...]:
        """What a statement may be about; factors first."""
        ...

    def build(self, point: Point) -> ir.Model:
        """The model at a point, valid and with static shapes.

        Raises:
            CannotBuild: There is none.
        """
        ...
