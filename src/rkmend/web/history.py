"""History: the runs in the data folder, one folder each, with `run.json`, its events, the model and the results."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import msgspec

from rkmend.errors import InputError
from rkmend.files import atomic_write
from rkmend.web.errors import Refused
from rkmend.web.records import ID, UNDER_WAY, Asked, Problem, Run, State, told

RESULTS = "results"
MODEL = "model"
MOST_EVENTS = 20000
"""That are read back of one run."""


class History:
    """All runs; those on the disk are read once, when the server starts.

    Args:
        folder: Of the data; made if need be, for this user only.
    """

    def __init__(self, folder: Path) -> None:
        self._runs_folder = folder / "runs"
        try:
            self._runs_folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise InputError(
                f"cannot write to the data folder {folder}: {error.strerror or error}",
                hint="Choose another with --data DIR or RKMEND_DATA.",
            ) from error
        self._runs: dict[str, Run] = {
            run.id: run for run in sorted(self._read(), key=lambda run: run.created)
        }
        for run in self.all():
            if run.state in UNDER_WAY:
                run.state = State.INTERRUPTED
                run.problem = Problem(told("the server ended before the run did"))
                self.save(run)

    def all(self) -> list[Run]:
        """The newest first."""
        return list(reversed(self._runs.values()))

    def get(self, given: str) -> Run:
        """The run with an id.

        Raises:
            Refused: There is none.
        """
        run = self._runs.get(given) if ID.fullmatch(given) else None
        if run is None:
            raise Refused(404, "there is no such run", "It may have been deleted.")
        return run

    def folder(self, run: Run) -> Path:
        """Where everything of a run is."""
        return self._runs_folder / run.id

    def new(self, name: str, asked: Asked) -> Run:
        """A run that waits."""
        run = Run(id=secrets.token_hex(8), name=name, created=now(), asked=asked)
        (self.folder(run) / MODEL).mkdir(parents=True, mode=0o700)
        self._runs[run.id] = run
        self.save(run)
        return run

    def save(self, run: Run) -> None:
        """Writes what is known of a run, with the room that it takes."""
        run.bytes = sum(size for _name, size in _tree(self.folder(run)))
        atomic_write(self.folder(run) / "run.json", msgspec.json.format(msgspec.json.encode(run), indent=1))

    def delete(self, run: Run) -> None:
        """Removes a run with all its files.

        Raises:
            Refused: It is under way.
        """
        if run.state in UNDER_WAY:
            raise Refused(409, "the run is under way", "Cancel it first.")
        del self._runs[run.id]
        shutil.rmtree(self.folder(run), ignore_errors=True)

    @property
    def bytes(self) -> int:
        """Of all runs."""
        return sum(run.bytes for run in self._runs.values())

    def files(self, run: Run) -> dict[str, Path]:
        """The results of a run, by the names under which they are given out: plain files, links left out."""
        folder = self.folder(run) / RESULTS
        return {name: folder / name for name, _size in sorted(_tree(folder))}

    def events(self, run: Run) -> list[dict[str, Any]]:
        """The events of a run that is over."""
        events: list[dict[str, Any]] = []
        with suppress(OSError, msgspec.DecodeError), (self.folder(run) / "events.jsonl").open("rb") as file:
            for line in file:  # the last may be cut
                if len(events) < MOST_EVENTS:
                    events.append(msgspec.json.decode(line))
        return events

    def _read(self) -> Iterator[Run]:
        for folder in self._runs_folder.iterdir():
            if ID.fullmatch(folder.name) and not folder.is_symlink():
                with suppress(OSError, msgspec.DecodeError, msgspec.ValidationError):
                    run = msgspec.json.decode((folder / "run.json").read_bytes(), type=Run)
                    if run.id == folder.name:
                        yield run


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Keeps a data folder for one server.

    Raises:
        InputError: Another has it, or it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = (folder / ".lock").open("w")
    except OSError as error:
        raise InputError(
            f"cannot write to the data folder {folder}: {error.strerror or error}",
            hint="Choose another with --data DIR or RKMEND_DATA.",
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise InputError(
                f"another rkmend serve uses the data folder {folder}",
                hint="Use its page, or give this one a folder of its own with --data DIR.",
            ) from error
        yield


def open_plain(path: Path) -> int:
    """A descriptor of a plain file; a link in its place is refused.

    Raises:
        OSError: It is a link, or gone.
    """
    return os.open(path, os.O_RDONLY | os.O_NOFOLLOW)


def now() -> str:
    """The time in UTC."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def _tree(folder: Path) -> Iterator[tuple[str, int]]:
    """Name relative to the folder, with `/`, and size of each plain file below it."""
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not os.path.islink(os.path.join(place, name))]  # noqa: PTH114, PTH118
        for name in names:
            path = Path(place) / name
            with suppress(OSError):
                if not path.is_symlink() and path.is_file():
                    yield path.relative_to(folder).as_posix(), path.stat().st_size
