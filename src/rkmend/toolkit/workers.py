"""The warm workers of a run: lent to one trial at a time, and started when all are busy."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from rkmend.errors import EnvironmentFailure
from rkmend.toolkit.environments import Toolkit
from rkmend.toolkit.lookahead import Cancelled, Stop
from rkmend.toolkit.worker import Worker


class Workers:
    """Warm workers of any toolkits. Safe to use from several threads.

    Args:
        most: How many there may be of each toolkit.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._hired: defaultdict[Toolkit, list[Worker]] = defaultdict(list)
        self._idle: defaultdict[Toolkit, list[Worker]] = defaultdict(list)
        self._changed = threading.Condition()
        self._closed = False

    def warm(self, toolkit: Toolkit) -> None:
        """Has the first worker of a toolkit import it, and returns at once."""
        with self._changed:
            if not self._hired[toolkit]:
                self._hire(toolkit)

    @contextmanager
    def borrow(self, toolkit: Toolkit, stop: Stop) -> Iterator[Worker]:
        """Lends a worker.

        When all are busy another is hired, but it takes seconds to import the toolkit: whichever is free first
        is lent.

        Raises:
            Cancelled: `stop` was set, or the workers were closed.
        """
        with stop.calls(self._wake), self._changed:
            idle = self._idle[toolkit]
            if not idle and len(self._hired[toolkit]) < self._most and not self._closed:
                self._hire(toolkit)
            self._changed.wait_for(lambda: idle or stop.wanted or self._closed)
            if stop.wanted or self._closed:
                raise Cancelled
            worker = idle.pop()
        try:
            yield worker
        finally:
            self._give_back(toolkit, worker)

    def close(self) -> None:
        """Ends all of them and what they run."""
        with self._changed:
            self._closed = True
            hired = [worker for workers in self._hired.values() for worker in workers]
            self._changed.notify_all()
        closing = [threading.Thread(target=worker.close, daemon=True) for worker in hired]
        for thread in closing:  # at once: a worker that is importing takes a second to listen
            thread.start()
        for thread in closing:
            thread.join()

    def _hire(self, toolkit: Toolkit) -> None:
        worker = Worker(toolkit)
        worker.start()
        self._hired[toolkit].append(worker)
        threading.Thread(target=self._introduce, args=(toolkit, worker), daemon=True).start()

    def _introduce(self, toolkit: Toolkit, worker: Worker) -> None:
        with suppress(EnvironmentFailure, Cancelled):  # the first trial meets it again and tells
            worker.await_ready()
        self._give_back(toolkit, worker)

    def _give_back(self, toolkit: Toolkit, worker: Worker) -> None:
        with self._changed:
            self._idle[toolkit].append(worker)
            self._changed.notify_all()

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()
