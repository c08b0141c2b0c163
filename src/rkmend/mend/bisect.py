"""Bisection over mends: which of a sequence of steps is the first after which a model is wrong."""

from __future__ import annotations

from collections.abc import Callable


def first_guilty(steps: int, agrees: Callable[[int], bool]) -> int | None:
    """Finds a step before which all is right and after which it is not.

    Args:
        steps: How many there are.
        agrees: Whether all is right after so many of them; asked of `steps` and 0 and then of as many numbers between
            them as `steps` has bits, of none twice.

    Returns:
        Its number, from 0. It is the only such step where a thing that went wrong stays wrong. None where all is right
        in the end, or was wrong from the start.
    """
    if agrees(steps) or not steps or not agrees(0):
        return None
    right, wrong = 0, steps
    while wrong - right > 1:
        middle = (right + wrong) // 2
        right, wrong = (middle, wrong) if agrees(middle) else (right, middle)
    return right
