"""Where events come from: what conversions and reductions tell while they run, and their results."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from rkmend.progress import Progress
from rkmend.records import Conversion
from rkmend.reduction import Watcher
from rkmend.report.events import Finished, Mended, Stream


def told_of(stream: Stream, progress: Progress) -> Progress:
    """Progress that is told as events, too."""
    return Progress(
        step=_both(stream.step, progress.step),
        trial=_both(lambda trial, verdict: stream.trial(trial.label, verdict), progress.trial),
        install=_both(stream.install, progress.install),
        explaining=_both(stream.candidate, progress.explaining),
    )


def watched(stream: Stream, watcher: Watcher) -> Watcher:
    """A reduction that is told as events, too."""
    return replace(
        watcher,
        progress=told_of(stream, watcher.progress),
        state=_both(stream.candidate, watcher.state),
    )


def finished(stream: Stream, result: Conversion, status: int) -> None:
    """The end of a conversion: its mends, and what was written."""
    for mend in result.mends:
        stream.tell(
            Mended,
            code=mend.code,
            name=mend.name,
            nodes=mend.nodes,
            exactness=mend.exactness,
            proof=mend.proof.kind,
        )
    stream.tell(Finished, status=result.status.value, exit=status, files=result.files)


def _both(first: Callable[..., None], second: Callable[..., None]) -> Callable[..., None]:
    def told(*what: Any) -> None:  # noqa: ANN401 - whatever the two take
        first(*what)
        second(*what)

    return told
