"""The front side of the warm worker: starts it, hands it trials, replaces it when it dies, ends it for good."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import signal
import subprocess
import tempfile
import threading
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import msgspec

from rkmend.errors import EnvironmentFailure
from rkmend.toolkit.classify import EndedBy
from rkmend.toolkit.environments import Toolkit
from rkmend.toolkit.lookahead import Cancelled, Stop
from rkmend.toolkit.trial import Limits

SERVE = Path(__file__).parent / "inside" / "serve.py"


class Ending(msgspec.Struct, frozen=True):
    """How the process of a Trial ended."""

    code: int | None
    signal: int | None
    ended_by: EndedBy
    peak_mb: int
    seconds: float


class Worker:
    """One warm toolkit process. It runs one trial at a time, which another thread may cancel."""

    def __init__(self, toolkit: Toolkit) -> None:
        self._toolkit = toolkit
        self._numbers = itertools.count(1)
        self._process: subprocess.Popen[str] | None = None
        self._child: int | None = None
        self._closed = False
        self._lock = threading.Lock()  # held while the process comes or goes

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Starts importing the toolkit and returns at once: the import overlaps with what the caller does next.

        Raises:
            Cancelled: The worker was closed.
            EnvironmentFailure: The interpreter of the environment cannot be started.
        """
        self._running()

    def _running(self) -> subprocess.Popen[str]:
        with self._lock:
            if self._closed:
                raise Cancelled
            if self._process is None or self._process.poll() is not None:
                self._process = self._spawn()
            return self._process

    def await_ready(self) -> None:
        """Returns when the toolkit is imported.

        Raises:
            EnvironmentFailure: The toolkit cannot even be imported.
        """
        self._warm()

    def _warm(self) -> subprocess.Popen[str]:
        process = self._running()
        if not self._ready:
            self._read_ready(process)
        return process

    def run(self, request: dict[str, Any], limits: Limits, stop: Stop | None = None) -> Ending:
        """Runs one request of `inside/attempt.py` in a forked child.

        Args:
            request: With `folder`: an empty folder that gets `log.txt`, `diary.jsonl` and the exported file.
            limits: Where the child is ended.
            stop: Ends the child when it is set; the worker stays warm.

        Raises:
            Cancelled: `stop` was set before the child had ended.
            EnvironmentFailure: The toolkit cannot even be imported.
        """
        stop = stop or Stop()
        process = self._warm()
        assert process.stdout
        stop.check()
        number = next(self._numbers)
        started = time.monotonic()
        message = {**request, "number": number, **asdict(limits)}
        try:
            _tell(process, message)
            with stop.calls(lambda: _cancel(process, number)):
                self._child = json.loads(process.stdout.readline())["started"]
                reply = json.loads(process.stdout.readline())
        except (OSError, ValueError):
            # The worker itself died. It only ever forks and waits, so somebody or something killed it.
            self._end()
            stop.check()
            return Ending(None, signal.SIGKILL, "outside", 0, time.monotonic() - started)
        self._child = None
        if reply["ended_by"] == "cancelled":
            raise Cancelled
        return msgspec.convert(reply, Ending)

    def close(self) -> None:
        """Ends the worker and whatever it is running, for good.

        Safe to call twice, from a signal handler's unwinding, and while another thread is in `run`.
        """
        self._closed = True
        self._end()

    def _end(self) -> None:
        with self._lock:
            process, self._process = self._process, None
            child, self._child = self._child, None
        if process is None:
            return
        with contextlib.suppress(OSError):
            process.terminate()
        try:
            process.wait(timeout=1.0)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if child is not None:
            with contextlib.suppress(OSError):
                os.killpg(child, signal.SIGKILL)
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe:
                with contextlib.suppress(OSError):
                    pipe.close()

    def _spawn(self) -> subprocess.Popen[str]:
        self._complaints = tempfile.TemporaryFile("w+")  # noqa: SIM115 - lives as long as the process
        self._ready = False
        environment = {
            name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")
        }
        try:
            return subprocess.Popen(
                [str(self._toolkit.python), "-I", "-u", str(SERVE)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._complaints,
                text=True,
                env=environment,
                start_new_session=True,  # Ctrl-C reaches the front process only, which then ends this one
            )
        except OSError as error:
            raise self._unusable(error.strerror or str(error)) from error

    def _read_ready(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout
        line = process.stdout.readline()
        if not line:
            process.wait()
            self._complaints.seek(0)
            last = self._complaints.read().strip().splitlines()[-1:] or ["no message"]
            self._end()
            raise self._unusable(last[0])
        self._ready = True

    def _unusable(self, why: str) -> EnvironmentFailure:
        return EnvironmentFailure(
            f"RKNN-Toolkit2 {self._toolkit.version} cannot be imported: {why}",
            hint=f"See what is wrong with it: rkmend toolkit doctor {self._toolkit.version}",
        )


def _tell(process: subprocess.Popen[str], message: dict[str, Any]) -> None:
    assert process.stdin
    process.stdin.write(json.dumps(message) + "\n")
    process.stdin.flush()


def _cancel(process: subprocess.Popen[str], number: int) -> None:
    """Asks the worker to end a child. It alone knows whether the child still runs: its pid may be another's by now."""
    with contextlib.suppress(OSError, ValueError):  # the worker is gone, and the child with it
        _tell(process, {"cancel": number})
