"""Feed: what happens in runs, told to every tab that listens, from wherever it left off."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import msgspec

from rkmend.web.errors import Refused
from rkmend.web.history import History
from rkmend.web.limits import WebLimits
from rkmend.web.records import UNDER_WAY, Run

KEEP_ALIVE_SECONDS = 15.0


class Feed:
    """Events of runs, numbered from 1 in each, kept in memory while a run is under way and on the disk for ever.

    Args:
        history: Of the runs.
        limits: How many may listen.
    """

    def __init__(self, history: History, limits: WebLimits) -> None:
        self._history, self._limits = history, limits
        self._live: dict[str, list[dict[str, Any]]] = {}
        self._changed = asyncio.Event()
        self._version = 0
        self._listening = 0
        self._closed = False

    def begin(self, run: Run) -> None:
        """A run is there."""
        self._live[run.id] = []
        self.changed()

    def tell(self, run: Run, event: dict[str, Any]) -> None:
        """Something happened in a run."""
        self._live[run.id].append(event)
        with suppress(OSError), (self._history.folder(run) / "events.jsonl").open("ab") as file:
            file.write(msgspec.json.encode(event) + b"\n")
        self._wake()

    def end(self, run: Run) -> None:
        """A run is over: no further event comes."""
        self._live.pop(run.id, None)
        self.changed()

    def changed(self) -> None:
        """The list of runs, or the state of one, is not what it was."""
        self._version += 1
        self._wake()

    def close(self) -> None:
        """Ends all streams."""
        self._closed = True
        self._wake()

    async def stream(self, run: Run | None, after: int) -> AsyncIterator[bytes]:
        """Server-sent events: `run` for each event of a run, with its number as id, and `runs` when the list changed.

        Args:
            run: To be followed; `over` is sent when all its events were.
            after: The number of the last event that is known already.

        Raises:
            Refused: Too many listen.
        """
        if self._listening >= self._limits.streams:
            raise Refused(429, "too many tabs listen", "Close some.")
        self._listening += 1
        try:
            version, over = -1, run is None
            while not self._closed:
                changed = self._changed
                if version != self._version:
                    version = self._version
                    yield _sent("runs", {"version": version})
                if run is not None and not over:
                    under_way = run.state in UNDER_WAY
                    events = self._live.get(run.id) if under_way else self._history.events(run)
                    for event in (events or [])[after:]:
                        after += 1
                        yield _sent("run", event, after)
                    if not under_way:
                        over = True
                        yield _sent("over", {"state": run.state})
                if changed is self._changed:
                    with suppress(asyncio.TimeoutError):
                        await asyncio.wait_for(changed.wait(), KEEP_ALIVE_SECONDS)
                        continue
                    yield b": still here\n\n"
        finally:
            self._listening -= 1

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


def _sent(kind: str, data: object, number: int | None = None) -> bytes:
    """JSON has no line breaks, so that nothing in it can end the event."""
    head = f"id: {number}\n" if number is not None else ""
    return f"{head}event: {kind}\ndata: ".encode() + msgspec.json.encode(data) + b"\n\n"
