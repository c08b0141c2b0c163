"""The child: a process that reads and converts models for the server, and may die of them.

Its front side is `process.py`. A request is a line of JSON on standard input, answered by lines on what was standard
output: `{"event": ...}`, then `{"result": ...}` or `{"problem": ...}` or `{"cancelled": true}`. `{"cancel": true}`
interrupts what is being done, exactly as Ctrl-C does on the command line; so does the end of the input, when the
server is gone. After either the child ends.
"""

from __future__ import annotations

import os
import queue
import resource
import signal
import sys
import threading
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from rkmend.errors import RkmendError
from rkmend.interrupts import interrupt_main, keep_interrupts
from rkmend.web.converting import Convert, convert
from rkmend.web.inspection import Inspect, inspect
from rkmend.web.records import Problem, problem, told
from rkmend.words import Text

Request = Inspect | Convert


class _Inbox:
    """Reads what the server says while the main thread works."""

    def __init__(self) -> None:
        self._requests: queue.SimpleQueue[Request | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._busy = self._over = False
        threading.Thread(target=self._read, daemon=True).start()

    def take(self) -> Request | None:
        """The next request, or None when there will be none."""
        request = self._requests.get()
        with self._lock:
            self._busy = not self._over
            return None if self._over else request

    def rest(self) -> None:
        """From here on nothing is interrupted."""
        with self._lock:
            self._busy = False

    def _read(self) -> None:
        try:
            for line in sys.stdin.buffer:
                if line.startswith(b'{"cancel"'):
                    break
                self._requests.put(msgspec.json.decode(line, type=Request))
        finally:
            with self._lock:
                self._over = True
                if self._busy:
                    interrupt_main()
            self._requests.put(None)


def main() -> None:
    """Serves until it is cancelled or the server is gone."""
    replies = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # what native code prints is no reply
    if len(sys.argv) > 1:
        limit = int(sys.argv[1])
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    keep_interrupts()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    inbox = _Inbox()

    def reply(**message: object) -> None:
        with suppress(BrokenPipeError):
            replies.write(msgspec.json.encode(message) + b"\n")

    from rkmend.toolkit.trials import default_parallel
    from rkmend.toolkit.workers import Workers

    workers = Workers(default_parallel())
    try:
        while (request := inbox.take()) is not None:
            try:
                result = _done(request, workers, lambda event: reply(event=event))
            finally:
                inbox.rest()
            reply(**result)
    except KeyboardInterrupt:
        reply(cancelled=True)
    finally:
        workers.close()


def _done(request: Request, workers: Any, tell: Any) -> dict[str, object]:  # noqa: ANN401 - of converting.py
    try:
        if isinstance(request, Inspect):
            return {"result": inspect(request)}
        return {"result": convert(request, workers, tell)}
    except RkmendError as error:
        return {"problem": problem(error, _names(request))}
    except MemoryError:
        return {"problem": Problem(told("the model needs more memory than there is"), Text("", ""))}
    except Exception as error:
        where = Path(request.out if isinstance(request, Convert) else request.model).parent / "error.txt"
        where.write_text(traceback.format_exc())
        message = f"rkmend met an error of its own: {type(error).__name__}: {error}"
        return {"problem": Problem(told(message), told(f"It is a bug; please report it with {where}."))}


def _names(request: Request) -> dict[str, str]:
    """What the user calls the files that messages speak of."""
    if isinstance(request, Convert):
        return {request.model: Path(request.model).name}
    return {request.given: request.name, request.model: request.name}


if __name__ == "__main__":
    main()
