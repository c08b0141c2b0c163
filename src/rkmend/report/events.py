"""Events: what happens while a command runs, a JSON object a line (`--events FILE`), each written when it happens.

The schema in docs/events.schema.json is generated from these records. A reader ignores kinds and fields that it does
not know: new ones may come without another schema.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import Any, TypeVar

import msgspec

from rkmend.errors import InputError, RkmendError
from rkmend.rules import Exactness
from rkmend.toolkit.verdict import Outcome, Signature, Stage, Verdict

SCHEMA = "rkmend-events/1"


def _kebab(name: str) -> str:
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("-")


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag=_kebab):
    """Something that happened."""

    schema: str = SCHEMA
    time: str
    """Wall clock, ISO 8601 in UTC."""
    elapsed: float
    """Seconds since the command began, of a clock that is never set."""


class Begun(Event, frozen=True):
    """A command began. Always the first event."""

    command: str
    """`convert`, `reduce` or `explain`."""
    rkmend: str
    """Version."""
    model: str
    """The path as it was given."""
    target: str | None
    """None where a check command judges and no toolkit."""


class Step(Event, frozen=True):
    """A stage began."""

    text: str
    """Which, in a few words of English."""


class Install(Event, frozen=True):
    """A step of making the toolkit environment."""

    text: str
    fraction: float
    """Of all that is done, 0 to 1."""


class TrialBegun(Event, frozen=True):
    """The toolkit began to convert a model."""

    label: str
    """Which model, in a few words of English."""


class TrialEnded(Event, frozen=True):
    """It ended."""

    label: str
    outcome: Outcome
    stage: Stage
    """How far it came."""
    signature: Signature | None
    """How it failed; None exactly when the outcome is `converted`."""
    cycles: int | None
    """By the compiler's table, of one core; None where it printed none."""
    cpu_operators: int | None
    seconds: float
    remembered: bool
    """Answered from the memory of earlier trials."""


class Candidate(Event, frozen=True):
    """A reduction went on."""

    nodes: int
    """Of the smallest model so far that fails alike."""
    trials: int
    """Candidates that were run."""
    remembered: int
    """Candidates that were answered from memory."""
    text: str
    """What is being tried or was adopted."""


class Mended(Event, frozen=True):
    """A mend is in the result; told when the result is there."""

    code: str
    name: str
    nodes: tuple[str, ...]
    exactness: Exactness
    proof: str
    """The kind of evidence."""


class Finished(Event, frozen=True):
    """The command came to an end. Last event, with `Failed` and `Interrupted`."""

    status: str
    """Of a conversion its status; `reduced`; of an explanation `established` or `not-established`."""
    exit: int
    """The exit status of the command."""
    files: dict[str, str]
    """What was written, by kind."""


class Failed(Event, frozen=True):
    """The command could not do what it was asked for. Last event."""

    message: str
    hint: str
    exit: int


class Interrupted(Event, frozen=True):
    """Ctrl-C, SIGTERM or SIGHUP. Last event."""

    exit: int = 130


AnyEvent = (
    Begun | Step | Install | TrialBegun | TrialEnded | Candidate | Mended | Finished | Failed | Interrupted
)
E = TypeVar("E", bound=Event)


class Stream:
    """Tells events as they happen, from any thread.

    Args:
        write: Takes whole lines, one at a time, and keeps none back.
    """

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._write = write
        self._lock = threading.Lock()
        self._start = time.monotonic()

    def tell(self, kind: type[E], **fields: Any) -> E:  # noqa: ANN401 - those of the kind
        """Makes an event of now and writes it."""
        with self._lock:  # lines are in the order of their times
            event = kind(
                time=datetime.now(timezone.utc).isoformat(timespec="milliseconds"),
                elapsed=round(time.monotonic() - self._start, 3),
                **fields,
            )
            self._write(msgspec.json.encode(event) + b"\n")
        return event

    def step(self, text: str) -> None:
        """For `Progress.step`."""
        self.tell(Step, text=text)

    def install(self, text: str, fraction: float) -> None:
        """For `Progress.install`."""
        self.tell(Install, text=text, fraction=fraction)

    def trial(self, label: str, verdict: Verdict | None) -> None:
        """A Trial begins (no Verdict yet) or has ended."""
        if verdict is None:
            self.tell(TrialBegun, label=label)
            return
        self.tell(
            TrialEnded,
            label=label,
            outcome=verdict.outcome,
            stage=verdict.stage,
            signature=verdict.signature,
            cycles=verdict.cycles if verdict.layers else None,
            cpu_operators=len(verdict.cpu_ops) if verdict.layers else None,
            seconds=round(verdict.seconds, 3),
            remembered=verdict.cached,
        )

    def candidate(self, nodes: int, trials: int, remembered: int, doing: str) -> None:
        """For `Watcher.state`."""
        self.tell(Candidate, nodes=nodes, trials=trials, remembered=remembered, text=doing)


@contextmanager
def ending(stream: Stream) -> Iterator[None]:
    """Tells how a command ended that did not come to `Finished`."""
    try:
        yield
    except KeyboardInterrupt:
        stream.tell(Interrupted)
        raise
    except RkmendError as error:
        stream.tell(Failed, message=error.message, hint=error.hint, exit=error.exit_code)
        raise


@contextmanager
def opened(file: str) -> Iterator[Callable[[bytes], object]]:
    """What writes lines to a file, or to standard output for `-`, each whole and at once.

    Raises:
        InputError: The file cannot be written.
    """
    if file == "-":
        sys.stdout.flush()
        yield lambda line: _all(sys.stdout.fileno(), line)
        return
    try:
        out = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    except OSError as error:
        raise InputError(
            f"cannot write {file}: {error.strerror or error}",
            hint="Choose another file for --events, or - for standard output.",
        ) from error
    try:
        yield lambda line: _all(out, line)
    finally:
        os.close(out)


def _all(out: int, line: bytes) -> None:
    """Past all buffers, so that nothing is lost with the process."""
    while line:
        line = line[os.write(out, line) :]
