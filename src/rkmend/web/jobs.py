"""Jobs: one run after the other on the same warm workers."""

from __future__ import annotations

import asyncio
import shutil
from collections import deque
from pathlib import Path

from rkmend.errors import RkmendError
from rkmend.web.converting import Convert, Result
from rkmend.web.errors import Failed, Refused
from rkmend.web.feed import Feed
from rkmend.web.history import MODEL, RESULTS, History, now
from rkmend.web.limits import WebLimits
from rkmend.web.process import Process, TaskCancelled
from rkmend.web.records import Asked, Problem, Role, Run, State, told
from rkmend.web.uploads import Upload, plain_stem

FREE = "Free some space on its disk."


class Jobs:
    """The queue.

    Args:
        process: Converts.
        history: Keeps the runs.
        feed: Is told.
        limits: How many may wait, and how much the disk may hold.
    """

    def __init__(self, process: Process, history: History, feed: Feed, limits: WebLimits) -> None:
        self._process, self._history, self._feed, self._limits = process, history, feed, limits
        self._waiting: deque[Run] = deque()
        self._current: Run | None = None
        self._more = asyncio.Event()
        self._closing = False

    async def submit(self, upload: Upload, model: Path, asked: Asked) -> Run:
        """Adds a run, with a copy of the files of an upload.

        Args:
            upload: Looked at already.
            model: Its .onnx file, as the inspection left it.
            asked: What is wanted.

        Raises:
            Refused: Too many wait, the data folder is full, or calibration data are missing.
        """
        if len(self._waiting) >= self._limits.queued:
            raise Refused(
                429, "too many runs wait already", "Wait until one of them is over, or cancel some."
            )
        if self._history.bytes > self._limits.data_bytes:
            raise Refused(507, "the data folder is full", "Delete runs that are no longer needed.")
        if asked.dtype == "int8" and not upload.of(Role.CALIBRATION):
            raise Refused(
                422, "an int8 model needs calibration data", "Add .npy, .npz or image files, or a .zip."
            )
        run = self._history.new(upload.model.name, asked)
        folder = self._history.folder(run)
        files = [*upload.of(Role.DATA), *upload.of(Role.CALIBRATION), *upload.of(Role.SAMPLES)]
        copies = {file.path: folder / MODEL / file.path.name for file in files}
        copies[model] = folder / MODEL / f"{plain_stem(run.name)}.onnx"
        upload.used += 1
        try:
            await asyncio.to_thread(_copy, copies)
        except OSError as error:
            run.state = State.FAILED
            self._history.delete(run)
            raise Refused(507, f"the run cannot be kept: {error.strerror}", FREE) from error
        finally:
            upload.used -= 1
        self._history.save(run)
        self._feed.begin(run)
        self._waiting.append(run)
        self._more.set()
        return run

    async def work(self) -> None:
        """Carries out what is submitted, until it is cancelled."""
        while True:
            while not self._waiting:
                self._more.clear()
                await self._more.wait()
            run = self._current = self._waiting.popleft()
            try:
                await self._carry_out(run)
            except (OSError, RkmendError) as error:  # the disk is full, or no process can be started
                run.state, run.ended = State.FAILED, now()
                run.problem = Problem(told(f"the run cannot be kept: {error}"), told(FREE))
                self._feed.end(run)
            finally:
                self._current = None

    def cancel(self, run: Run) -> None:
        """Takes a run from the queue, or ends what it does.

        Raises:
            Refused: It is over.
        """
        if run is self._current:
            self._process.cancel()
        elif run in self._waiting:
            self._waiting.remove(run)
            self._over(run, State.CANCELLED)
        else:
            raise Refused(409, "the run is over already")

    def place(self, run: Run) -> int:
        """How many runs come before this one."""
        return self._waiting.index(run) + (self._current is not None) if run in self._waiting else 0

    async def close(self) -> None:
        """Ends what is being done. Runs that wait stay as they are, and will be shown as interrupted."""
        self._closing = True
        await self._process.close()

    async def _carry_out(self, run: Run) -> None:
        run.state = State.RUNNING
        self._history.save(run)
        self._feed.changed()
        try:
            result = await self._process.ask(
                self._request(run), Result, lambda event: self._feed.tell(run, event)
            )
        except TaskCancelled:
            self._over(run, State.INTERRUPTED if self._closing else State.CANCELLED)
        except Failed as failed:
            self._over(run, State.FAILED, problem=failed.problem)
        else:
            run.status, run.headline, run.story = result.status, result.headline, result.story
            self._over(run, State.DONE)
        if not self._closing:
            await self._process.warm()  # a cancelled one has ended

    def _over(self, run: Run, state: State, problem: Problem | None = None) -> None:
        run.state, run.ended, run.problem = state, now(), problem
        if state is State.INTERRUPTED:
            run.problem = Problem(told("the server ended before the run did"))
        self._history.save(run)
        self._feed.end(run)

    def _request(self, run: Run) -> Convert:
        folder = self._history.folder(run)
        model = folder / MODEL / f"{plain_stem(run.name)}.onnx"

        def named(role: Role) -> tuple[str, ...]:
            return tuple(map(str, sorted(set(model.parent.glob(f"{role.value}-*")) - {model})))

        return Convert(
            model=str(model),
            out=str(folder / RESULTS),
            asked=run.asked,
            calibration=named(Role.CALIBRATION),
            unpacked_bytes=self._limits.unpacked_bytes,
            members=self._limits.members,
            samples=next(iter(named(Role.SAMPLES)), None),
        )


def _copy(copies: dict[Path, Path]) -> None:
    for source, copy in copies.items():
        shutil.copyfile(source, copy)
