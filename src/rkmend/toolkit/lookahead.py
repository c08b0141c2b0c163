"""Lookahead: works on what comes next while the first is not done yet, and gives the results in order all the same.

A reducer asks one question after another, and which comes next depends on the answers. So the next few are
worked on before anybody knows that they will be asked, and dropped when they are not.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from typing import Generic, Protocol, TypeVar
from weakref import WeakSet

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

WAKE_SECONDS = 0.2
"""A wait without end would sleep over an interrupt that came just before it began."""
AHEAD = 4
"""Jobs per thread that may wait for an earlier one to end: enough that a slow one does not leave the others idle,
few enough that little is lost when its result makes the later ones pointless."""
GRACE_SECONDS = 1.5
"""How long closing waits for cancelled jobs to clear up. Their threads are daemons: they never hold up the exit."""


def usable_cpus() -> int:
    """The processors this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Cancelled(Exception):
    """Ends the `run` of a job that was cancelled. Nobody waits for its result."""


class Stop:
    """The wish that a job ends, told by one thread to another."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._action: Callable[[], None] | None = None
        self.wanted = False

    def set(self) -> None:
        """Tells it. Safe to call at any time, and twice."""
        with self._lock:
            self.wanted = True
            if self._action:
                self._action()

    @contextmanager
    def calls(self, action: Callable[[], None]) -> Iterator[None]:
        """Has `set` call an action for as long as the block lasts, and never after it; at once if it was set before.

        So a wish that comes too early is not lost, and one that comes too late meets nothing that came later.
        """
        with self._lock:
            self._action = action
            if self.wanted:
                action()
        try:
            yield
        finally:
            with self._lock:
                self._action = None

    def check(self) -> None:
        """Raises Cancelled if it was set."""
        if self.wanted:
            raise Cancelled


class Job(Protocol[T_co]):
    """Something to be done ahead of time."""

    def run(self) -> None:
        """Does the work, in a thread of its own."""
        ...

    def cancel(self) -> None:
        """Makes `run` return soon. Called from another thread, before, during or after `run`."""
        ...

    def result(self) -> T_co:
        """What came of it. Called when `run` has returned and all earlier results were given, in their thread."""
        ...


class Lookahead:
    """Runs jobs in threads.

    Args:
        width: How many at once.
    """

    def __init__(self, width: int) -> None:
        self.width = width
        self._open: WeakSet[Generator[object, None, None]] = WeakSet()

    def results(self, jobs: Iterable[Job[T]]) -> Generator[T, None, None]:
        """Runs jobs at the same time and gives their results in the order of the jobs.

        A job is drawn, in the caller's thread, when there is a thread for it and the caller waits for a result.
        An exception of a job, or of `jobs` itself, comes out when all results before it were given. Closing the
        generator, like any exception, cancels the jobs whose results were not given.
        """
        generator = _results(iter(jobs), self.width)
        self._open.add(generator)
        return generator

    def close(self) -> None:
        """Closes the generators that are still open, wherever an exception left them."""
        for generator in list(self._open):
            generator.close()


class _Running(Generic[T]):
    """A job in its thread."""

    def __init__(self, job: Job[T], changed: threading.Condition) -> None:
        self.job = job
        self.over = False
        self.error: BaseException | None = None
        self._changed = changed
        self.thread = threading.Thread(target=self._work, daemon=True)

    def _work(self) -> None:
        try:
            self.job.run()
        except BaseException as error:
            self.error = error
        with self._changed:
            self.over = True
            self._changed.notify_all()

    def result(self) -> T:
        if self.error:
            raise self.error
        return self.job.result()


def _results(jobs: Iterator[Job[T]], width: int) -> Generator[T, None, None]:
    changed = threading.Condition()
    ahead: deque[_Running[T]] = deque()
    drawing, failure = True, None

    def may_draw() -> bool:
        working = sum(not running.over for running in ahead)
        return drawing and working < width and len(ahead) < AHEAD * width

    try:
        while ahead or drawing:
            if ahead and ahead[0].over:
                yield ahead.popleft().result()
            elif may_draw():
                try:
                    job = next(jobs)
                except StopIteration:
                    drawing = False
                except Exception as error:
                    drawing, failure = False, error
                else:
                    ahead.append(_Running(job, changed))
                    ahead[-1].thread.start()
            else:
                with changed:
                    changed.wait_for(lambda: ahead[0].over or may_draw(), WAKE_SECONDS)
        if failure:
            raise failure
    finally:
        for running in ahead:
            running.job.cancel()
        until = time.monotonic() + GRACE_SECONDS
        for running in ahead:
            if running.thread.is_alive():
                running.thread.join(max(0.0, until - time.monotonic()))
