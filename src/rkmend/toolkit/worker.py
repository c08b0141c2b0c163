"""The front side of the warm worker: starts it, hands it trials, replaces it when it dies, ends it for good."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import msgspec

from rkmend.errors import EnvironmentFailure
from rkmend.toolkit.classify import EndedBy
from rkmend.toolkit.environments import Toolkit
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
    """One warm toolkit process. Not thread-safe: one trial at a time; use several for several at once."""

    def __init__(self, toolkit: Toolkit) -> None:
        self._toolkit = toolkit
        self._process: subprocess.Popen[str] | None = None
        self._child: int | None = None

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Starts importing the toolkit and returns at once: the import overlaps with what the caller does next."""
        if self._process is None or self._process.poll() is not None:
            self._process = self._spawn()

    def run(self, request: dict[str, Any], limits: Limits) -> Ending:
        """Runs one request of `inside/attempt.py` in a forked child.

        Args:
            request: With `folder`: an empty folder that gets `log.txt`, `diary.jsonl` and the exported file.
            limits: Where the child is ended.

        Raises:
            EnvironmentFailure: The toolkit cannot even be imported.
        """
        self.start()
        process = self._process
        assert process and process.stdin and process.stdout
        self._await_ready(process)
        started = time.monotonic()
        message = {**request, "seconds": limits.seconds, "memory_mb": limits.memory_mb}
        try:
            process.stdin.write(json.dumps(message) + "\n")
            process.stdin.flush()
            self._child = json.loads(process.stdout.readline())["started"]
            reply = json.loads(process.stdout.readline())
        except (OSError, ValueError):
            # The worker itself died. It only ever forks and waits, so somebody or something killed it.
            self.close()
            return Ending(None, signal.SIGKILL, "outside", 0, time.monotonic() - started)
        self._child = None
        return msgspec.convert(reply, Ending)

    def close(self) -> None:
        """Ends the worker and whatever it is running. Safe to call twice and from a signal handler's unwinding."""
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
        return subprocess.Popen(
            [str(self._toolkit.python), "-I", "-u", str(SERVE)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._complaints,
            text=True,
            env=environment,
            start_new_session=True,  # Ctrl-C reaches the front process only, which then ends this one
        )

    def _await_ready(self, process: subprocess.Popen[str]) -> None:
        if self._ready:
            return
        assert process.stdout
        line = process.stdout.readline()
        if not line:
            process.wait()
            self._complaints.seek(0)
            last = self._complaints.read().strip().splitlines()[-1:] or ["no message"]
            self.close()
            raise EnvironmentFailure(
                f"RKNN-Toolkit2 {self._toolkit.version} cannot be imported: {last[0]}",
                hint=f"See what is wrong with it: rkmend toolkit doctor {self._toolkit.version}",
            )
        self._ready = True
