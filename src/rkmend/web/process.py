"""The front side of the child: starts it, asks it one thing at a time, cancels, and ends it for good."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from rkmend.web.errors import Failed
from rkmend.web.records import Problem, told

T = TypeVar("T")
LINE = 64 << 20
"""Bytes of the longest reply."""
GRACE_SECONDS = 15.0
"""How long a child may take to end what it does in an orderly way. It waits for a trial's process to be killed, for
threads, and removes its scratch folder."""


class TaskCancelled(Exception):
    """A task ended because somebody wished it to."""


class Reply(msgspec.Struct, frozen=True):
    """A line of the child."""

    event: dict[str, Any] | None = None
    result: msgspec.Raw = msgspec.Raw()
    problem: Problem | None = None
    cancelled: bool = False


class Process:
    """A child that is there when it is needed.

    Args:
        folder: Its working directory; nothing but what the server puts there.
        memory_bytes: What it may use of address space; None for all.
    """

    def __init__(self, folder: Path, memory_bytes: int | None = None) -> None:
        self._folder, self._memory = folder, memory_bytes
        self._child: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()
        self._cancelled = False
        self._killing: asyncio.TimerHandle | None = None

    async def warm(self) -> None:
        """Starts the child, which imports what it needs."""
        if self._child is None or self._child.returncode is not None:
            arguments = [str(self._memory)] if self._memory else []
            self._child = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "rkmend.web.child", *arguments,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                limit=LINE,
                cwd=self._folder,
                env={**os.environ, "PYTHONSAFEPATH": "1"},
                start_new_session=True,  # Ctrl-C reaches the server only, which then ends this one
            )  # fmt: skip

    async def ask(
        self,
        request: msgspec.Struct,
        kind: type[T],
        on_event: Callable[[dict[str, Any]], None] = lambda _event: None,
        seconds: float | None = None,
    ) -> T:
        """Has the child do something; one thing after the other.

        Args:
            request: What.
            kind: Of the result.
            on_event: Called with each event meanwhile.
            seconds: After which the child is killed.

        Raises:
            Failed: It could not, died or took too long.
            TaskCancelled: `cancel` or `close` was called.
        """
        async with self._turn:
            self._cancelled = False
            await self.warm()
            if self._cancelled:  # while it was being started
                raise TaskCancelled
            try:
                return await asyncio.wait_for(self._exchange(request, kind, on_event), seconds)
            except asyncio.TimeoutError as error:
                await self._end()
                raise Failed(Problem(told(f"it took longer than {seconds:g} s"))) from error
            except asyncio.CancelledError:
                await self._end()
                raise

    def cancel(self) -> None:
        """Interrupts what is being done. Its `ask` raises TaskCancelled, or gives the result that is there already."""
        child, self._cancelled = self._child, True
        if child is None or child.returncode is not None:
            return
        if child.stdin is not None:
            with suppress(ConnectionError, RuntimeError):
                child.stdin.write(b'{"cancel":true}\n')
        self._killing = asyncio.get_running_loop().call_later(GRACE_SECONDS, _kill, child)

    async def close(self) -> None:
        """Ends the child and whatever it does."""
        self.cancel()
        if self._child is not None:
            await self._child.wait()
        if self._killing is not None:
            self._killing.cancel()

    async def _exchange(
        self, request: msgspec.Struct, kind: type[T], on_event: Callable[[dict[str, Any]], None]
    ) -> T:
        child = self._child
        assert child and child.stdin and child.stdout
        with suppress(ConnectionError):
            child.stdin.write(msgspec.json.encode(request) + b"\n")
            await child.stdin.drain()
        while line := await child.stdout.readline():
            reply = msgspec.json.decode(line, type=Reply)
            if reply.event is not None:
                on_event(reply.event)
                continue
            if self._cancelled:
                await child.wait()
            if reply.cancelled:
                raise TaskCancelled
            if reply.problem is not None:
                raise Failed(reply.problem)
            return msgspec.json.decode(reply.result, type=kind)
        code = await child.wait()
        if self._cancelled:
            raise TaskCancelled
        how = f"died of {signal.Signals(-code).name}" if code < 0 else f"ended with status {code}"
        raise Failed(
            Problem(
                told(f"the process that worked on the model {how}"),
                told("The server goes on. If it happens again, the model does it: please report it."),
            )
        )

    async def _end(self) -> None:
        if self._child is not None:
            _kill(self._child)
            await self._child.wait()


def _kill(child: asyncio.subprocess.Process) -> None:
    """Kills the session of the child. What it started in sessions of their own sees that it is gone."""
    if child.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
