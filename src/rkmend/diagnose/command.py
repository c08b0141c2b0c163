"""Runs a check command once: bounded in time and in what is kept of its output, and no child of it survives."""

from __future__ import annotations

import contextlib
import os
import secrets
import selectors
import signal
import subprocess
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rkmend.errors import InputError
from rkmend.toolkit.lookahead import Stop

KEEP = 512 << 10
"""Bytes that are kept of the head of an output, and of its tail."""
POLL_SECONDS = 0.05
"""How late the end of a command is seen whose children still hold its output open."""
GRACE_SECONDS = 1.0
"""How long a killed process may take to go. One that may not be killed (sudo) is left to itself."""
MARK = "RKMEND_CHECK"
"""Environment variable by which children that left the process group are found again (on Linux)."""


@dataclass(frozen=True)
class Ended:
    """How a command ended.

    Attributes:
        status: Exit status, or minus the number of the signal, as `subprocess` gives it; None at the time limit.
        output: Both streams, mixed as they came; what is no UTF-8 is replaced, the middle of a long one left out.
        seconds: Wall time.
    """

    status: int | None
    output: str
    seconds: float


def run_command(command: Sequence[str], cwd: Path, seconds: float, stop: Stop) -> Ended:
    """Runs a command without standard input, in a process group of its own.

    Args:
        command: Program and arguments.
        cwd: Its working directory.
        seconds: Time limit.
        stop: Ends it early.

    Raises:
        Cancelled: `stop` was set.
        InputError: It cannot be started.
    """
    stop.check()
    mark = secrets.token_hex(8)
    started = time.monotonic()
    try:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env={**os.environ, MARK: mark},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        raise InputError(
            f"the check command cannot be started: {command[0]}: {error.strerror or error}",
            hint="A script needs a first line such as #!/bin/sh, and the right to be executed.",
        ) from error
    output = _Bounded()
    try:
        with stop.calls(lambda: _kill_group(process)):
            in_time = _read(process, output, started + seconds)
    finally:
        _end(process, mark)
    stop.check()
    return Ended(process.returncode if in_time else None, output.text(), time.monotonic() - started)


class _Bounded:
    """The head and the tail of an output of any length."""

    def __init__(self) -> None:
        self._head = bytearray()
        self._tail: deque[bytes] = deque()
        self._tail_size = 0
        self._left_out = 0

    def add(self, data: bytes) -> None:
        room = KEEP - len(self._head)
        self._head += data[:room]
        if rest := data[room:]:
            self._tail.append(rest)
            self._tail_size += len(rest)
        while self._tail and self._tail_size - len(self._tail[0]) >= KEEP:
            gone = len(self._tail.popleft())
            self._tail_size -= gone
            self._left_out += gone

    def text(self) -> str:
        between = f"\n... {self._left_out} bytes left out ...\n".encode() if self._left_out else b""
        return (bytes(self._head) + between + b"".join(self._tail)).decode(errors="replace")


def _read(process: subprocess.Popen[bytes], output: _Bounded, until: float) -> bool:
    """Reads until the command has ended. False when the time came first."""
    assert process.stdout
    pipe = process.stdout.fileno()
    os.set_blocking(pipe, False)
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while (left := until - time.monotonic()) > 0:
            ended = process.poll() is not None
            if selector.select(0 if ended else min(left, POLL_SECONDS)):
                data = os.read(pipe, 1 << 16)
                if not data:  # it has closed its output, as most do by ending
                    return _wait(process, until)
                output.add(data)
            elif ended:
                return True
    return False


def _wait(process: subprocess.Popen[bytes], until: float) -> bool:
    """Waits for a command to end. False when the time came first."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(max(0.0, until - time.monotonic()))
        return True
    return False


def _end(process: subprocess.Popen[bytes], mark: str) -> None:
    """Leaves nothing of a command: neither its group nor the children that made groups of their own."""
    until = time.monotonic() + GRACE_SECONDS
    _kill_group(process)
    _wait(process, until)
    if process.stdout:
        process.stdout.close()
    needle = f"{MARK}={mark}".encode()
    while (escaped := _having(needle)) and time.monotonic() < until:
        for pid in escaped:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(OSError):
        os.killpg(process.pid, signal.SIGKILL)


def _having(needle: bytes) -> list[int]:
    """The processes with an entry in their environment."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if needle in entry.read_bytes().split(b"\0"):
                found.append(int(entry.parent.name))
    return found
