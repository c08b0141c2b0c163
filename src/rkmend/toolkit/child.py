"""Runs a child process to its end, line by line; it never outlives the call, however that ends."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path


def run(
    command: Sequence[str | Path],
    *,
    cwd: Path,
    env: Mapping[str, str],
    on_line: Callable[[str], None] = lambda line: None,
    keep_open: Sequence[int] = (),
    timeout: float | None = None,
) -> tuple[int, list[str]]:
    """Runs a command in a process group of its own, without standard input.

    Args:
        command: Program and arguments.
        cwd: Its working directory.
        env: Its whole environment.
        on_line: Called with each line it prints on either stream.
        keep_open: File descriptors it inherits. A lock among them stays held for as long as the child lives,
            also when this process is killed in a way that leaves no time to end the child.
        timeout: Seconds after which it is killed.

    Returns:
        Its exit status, as `subprocess` gives it, and the lines it printed.
    """
    lines = []
    with subprocess.Popen(
        command,
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        pass_fds=keep_open,
        start_new_session=True,
    ) as child:
        alarm = threading.Timer(timeout, _kill, [child]) if timeout is not None else None
        try:
            if alarm:
                alarm.start()
            assert child.stdout is not None
            for line in child.stdout:
                lines.append(line.rstrip())
                on_line(lines[-1])
            child.wait()
        finally:
            if alarm:
                alarm.cancel()
            _kill(child)
    return child.returncode, lines


def _kill(child: subprocess.Popen[str]) -> None:
    """Ends whatever is left of the child's process group."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
