"""What a long conversion or reduction tells while it runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rkmend.toolkit.trial import Trial
from rkmend.toolkit.verdict import Verdict


@dataclass(frozen=True)
class Progress:
    """What a long conversion tells while it runs; all silent by default.

    Attributes:
        step: A stage begins; the argument says which, in a few words.
        trial: A Trial begins (no Verdict yet) or has ended.
        install: A step of making the toolkit environment and the fraction done.
        explaining: Of the explanation after a failure: nodes of the smallest model so far, candidates run, candidates
            remembered, what is being done.
    """

    step: Callable[[str], None] = lambda _text: None
    trial: Callable[[Trial, Verdict | None], None] = lambda _trial, _verdict: None
    install: Callable[[str, float], None] = lambda _text, _fraction: None
    explaining: Callable[[int, int, int, str], None] = lambda *_: None
