"""Other versions of the toolkit: tried last, where nothing helped with the one that was asked for, and only offered."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from rkmend.errors import RkmendError
from rkmend.rules.base import STUCK
from rkmend.toolkit.environments import installed
from rkmend.toolkit.trials import Trials


def other_versions(trials: Trials, step: Callable[[str], None]) -> Iterator[str]:
    """Tries the first Trial of a conversion with every other version that is installed.

    Args:
        trials: Of a conversion that failed.
        step: Told what is tried.

    Yields:
        A note for each version whose simulator agrees with the model as it was given. None where the failure came
        so late that another one is not waited for.
    """
    first = trials.done[0]
    if first.verdict.outcome in STUCK:
        return
    for toolkit in installed():
        if toolkit.version == first.trial.toolkit.version:
            continue
        label = f"{first.trial.label}, RKNN-Toolkit2 {toolkit.version}"
        step(f"trying {label}")
        try:
            done = trials.run(replace(first.trial, label=label, toolkit=toolkit))
        except RkmendError:  # an offer that cannot be made is no failure of the conversion
            continue
        if done.verdict.converted:
            yield (
                f"RKNN-Toolkit2 {toolkit.version} converts the model as it is, and its simulator agrees: --toolkit "
                f"{toolkit.version}. The runtime on the board (librknnrt) has to be as new as the toolkit."
            )
