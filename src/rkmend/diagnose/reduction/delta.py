"""Delta debugging on ordered lists: the search for the few elements that a failure needs.

It does not demand that a failure grows monotonically with the list: only lists that did fail alike are kept.
Where it does, each element that is needed costs as many trials as its place in the list has bits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from rkmend.diagnose.reduction.change import Change, Hunt

Keep = Callable[[Sequence[str]], Change]
"""The Change that keeps the named elements and drops the others."""


def narrow(hunt: Hunt, names: Sequence[str], keep: Keep) -> Sequence[str]:
    """Goes on to a half or a quarter of the list as long as one fails alike: one element alone is found so.

    Args:
        hunt: Whose model has the elements.
        names: The elements in order.
        keep: See `Keep`.

    Returns:
        The elements that are left.
    """
    while len(names) > 1:
        half, rest = len(names) // 2, (len(names) + 1) // 2
        ends = [0, half, half + rest // 2, len(names)]
        windows = [names[start:end] for start, end in pairwise(ends) if start < end]
        adopted = _first(hunt, [keep(window) for window in windows])
        if adopted is None:
            break
        names = windows[adopted]
    return names


def shortest(
    hunt: Hunt, names: Sequence[str], keep: Keep, extra: Sequence[Change] = (), *, near: bool
) -> int:
    """Goes on to the shortest beginning of the list that fails alike, by bisection.

    Args:
        hunt: Whose model has the elements.
        names: The elements in order.
        keep: See `Keep`; keeps what is known to be needed besides.
        extra: Changes of another kind that leave nothing of the list; tried after the empty beginning.
        near: Tries the empty beginning, then short ones that grow; else the middle first, and never the empty one.

    Returns:
        How many elements are left; the last of them is needed, if the failure is monotone.
    """
    low, high = (-1 if near else 0), len(names)
    while high - low > 1:
        sizes = list(_probes(low, high, near=near))
        changes = [keep(names[:size]) for size in sizes]
        if sizes[0] == 0:
            changes[1:1], sizes[1:1] = extra, [0] * len(extra)
        adopted = _first(hunt, changes)
        if adopted is None:
            return high
        low, high, near = (sizes[adopted - 1] if adopted else low), sizes[adopted], False
    return high


def _probes(low: int, high: int, *, near: bool) -> Iterator[int]:
    """The sizes that bisection tries from a failing to a longer and longer beginning that does not fail."""
    while high - low > 1:
        middle = (low + high) // 2
        low = min(max(low + 1, 4 * low), middle) if near else middle
        yield low


def _first(hunt: Hunt, changes: Sequence[Change]) -> int | None:
    """The index of the change that the hunt adopts."""
    adopted = hunt.first(changes)
    return next((index for index, change in enumerate(changes) if change is adopted), None)
