"""The warm worker: imports the toolkit once, then forks a child for every Trial it is asked for.

Importing the toolkit takes seconds, a fork of a process that has imported it milliseconds, and the child
takes an abort, a segfault or a hang with it. Speaks JSON lines: requests on stdin, replies on the file
descriptor that was stdout. While a request runs, {"cancel": its number} ends it; later it means nothing.
Ends when stdin closes, with every process it started.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import os
import resource
import select
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))  # -I leaves the script's own folder out

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
POLL_SECONDS = 0.05
LOG_SECONDS = 1.0
"""How often the log is looked at."""


def main() -> None:
    """Serves until stdin closes."""
    replies = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # nothing the toolkit prints may reach the replies
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)  # grandchildren come back here to be reaped
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    started = time.monotonic()
    import onnxruntime  # noqa: F401 - the toolkit imports this and the next when it is first used,
    import pkg_resources  # noqa: F401 - which would be in every child: 0.15 s of 0.25 s
    import rknn.api  # noqa: F401

    gc.collect()
    gc.freeze()  # the children share the pages of what is loaded
    _reply(replies, ready=True, seconds=time.monotonic() - started)
    inbox = _Inbox()
    while inbox.has_line() or inbox.read():
        if inbox.has_line():
            request = inbox.line()
            if "cancel" not in request:  # else it came too late
                _run(request, inbox, replies)


class _Inbox:
    """The lines on stdin, without a buffer that `select` cannot see into."""

    def __init__(self) -> None:
        self._rest = b""

    def has_line(self) -> bool:
        return b"\n" in self._rest

    def line(self) -> dict[str, Any]:
        line, _, self._rest = self._rest.partition(b"\n")
        message: dict[str, Any] = json.loads(line)
        return message

    def read(self) -> bool:
        """Takes what is there, or waits for it. False when the front process is gone."""
        data = os.read(0, 1 << 16)
        self._rest += data
        return bool(data)


def _reply(replies: Any, **message: Any) -> None:
    replies.write(json.dumps(message) + "\n")


def _run(request: dict[str, Any], inbox: _Inbox, replies: Any) -> None:
    started = time.monotonic()
    pid = os.fork()
    if pid == 0:
        _child(request)
    with contextlib.suppress(OSError):
        os.setpgid(pid, pid)  # both sides set it, so that neither can be too late
    _reply(replies, started=pid)
    try:
        ended_by, peak = _watch(pid, request, inbox, started)
        _, status = os.waitpid(pid, 0)
    finally:
        _kill_group(pid)
        _reap_orphans()
    if (
        ended_by == "itself"
        and os.WIFSIGNALED(status)
        and os.WTERMSIG(status) in (signal.SIGKILL, signal.SIGTERM)
    ):
        ended_by = "outside"  # no process kills itself in this way, and it was not us
    _reply(
        replies,
        code=os.WEXITSTATUS(status) if os.WIFEXITED(status) else None,
        signal=os.WTERMSIG(status) if os.WIFSIGNALED(status) else None,
        ended_by=ended_by,
        peak_mb=peak >> 20,
        seconds=time.monotonic() - started,
    )


def _watch(pid: int, request: dict[str, Any], inbox: _Inbox, started: float) -> tuple[str, int]:
    """Waits for the child; kills its group when a limit passes. Returns who ended it and its peak memory."""
    from repetition import circle

    peak, look = 0, started + LOG_SECONDS
    watcher = os.pidfd_open(pid)
    try:
        while True:
            while inbox.has_line():
                if inbox.line().get("cancel") == request["number"]:
                    _kill_group(pid)
                    return "cancelled", peak
            ready = select.select([watcher, 0], [], [], POLL_SECONDS)[0]
            if watcher in ready:
                return "itself", peak
            if 0 in ready and not inbox.read():
                sys.exit(0)  # the front process is gone; `_run` takes the child along
            used = _group_memory(pid)
            peak = max(peak, used)
            if time.monotonic() - started > request["seconds"]:
                _kill_group(pid)
                return "time limit", peak
            if time.monotonic() > look:
                look += LOG_SECONDS
                log = Path(request["folder"]) / "log.txt"
                if circle(log):
                    _kill_group(pid)
                    return "repetition", peak
                if log.exists() and log.stat().st_size > request["log_mb"] << 20:
                    _kill_group(pid)
                    return "log limit", peak
            if used > request["memory_mb"] << 20:
                _kill_group(pid)
                return "memory limit", peak
    finally:
        os.close(watcher)


def _group_memory(group: int) -> int:
    """Bytes of resident memory that the processes of a group do not share with the warm worker, roughly."""
    total = 0
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            if int(fields[2]) == group:
                resident, shared = (entry / "statm").read_text().split()[1:3]
                total += (int(resident) - int(shared)) * resource.getpagesize()
        except (OSError, ValueError, IndexError):
            continue  # it ended while we looked
    return total


def _kill_group(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except OSError:
        return  # nobody is left


def _reap_orphans() -> None:
    """Ends and reaps every process the child left behind, those that changed their group included."""
    mine = Path(f"/proc/self/task/{os.getpid()}/children")
    while orphans := [int(pid) for pid in mine.read_text().split()]:
        for pid in orphans:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def _child(request: dict[str, Any]) -> None:
    status = 70
    try:
        os.setpgid(0, 0)
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        folder = Path(request["folder"])
        log = os.open(folder / "log.txt", os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o644)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.dup2(log, 1)
        os.dup2(log, 2)
        work = folder / "work"
        work.mkdir()
        os.chdir(work)  # the toolkit drops intermediate models into the current folder
        os.environ["TMPDIR"] = tempfile.tempdir = str(work)
        from attempt import Diary, attempt

        attempt(request, Diary(folder / "diary.jsonl"))
        sys.stdout.flush()
        sys.stderr.flush()
        status = 0
    finally:
        os._exit(status)


if __name__ == "__main__":
    with contextlib.suppress(SystemExit):
        main()
    os._exit(0)  # the libraries of the toolkit take a second to clear up what ends with the process
