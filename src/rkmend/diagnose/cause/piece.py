"""Advice: one thing that people say would help, as a change of a failing model that can be tried."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rkmend.rules.base import Exactness

if TYPE_CHECKING:
    import onnx_ir as ir


@dataclass(frozen=True)
class Advice:
    """One piece of common advice.

    Attributes:
        change: For the report, for example `width rounded up to a multiple of 16 (1200)`.
        exactness: Whether the changed model computes the same.
        build: The changed model, valid and with static shapes. Raises CannotBuild, with the reason, when the
            advice does not apply, and InvalidModel when what it asks for is no model.
    """

    change: str
    exactness: Exactness
    build: Callable[[], ir.Model]
