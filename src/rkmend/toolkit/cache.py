"""The trial cache: what a Trial gave, remembered under its key, shared by every run on this machine."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from rkmend.errors import InputError
from rkmend.paths import cache_dir
from rkmend.toolkit.classify import ENDLESS
from rkmend.toolkit.trial import Limits
from rkmend.toolkit.verdict import Outcome, Verdict

BUSY_SECONDS = 30.0
"""How long one run waits for another to finish writing its row."""


class TrialCache:
    """An sqlite index (WAL) beside a folder of logs and exported files, one pair per key.

    Two runs may use it at once: files are renamed into place before the row that names them is written.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or cache_dir() / "trials"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with self._open() as database:
                database.execute(
                    "create table if not exists trials"
                    " (key text primary key, verdict blob not null, bytes integer not null, used real not null)"
                )
        except (OSError, sqlite3.Error) as error:
            raise InputError(
                f"the trial cache in {self._folder} cannot be used: {error}",
                hint="Pass --no-cache, or set RKMEND_CACHE to a folder that can be written.",
            ) from error

    def get(self, key: str, limits: Limits, log: Path, rknn: Path) -> Verdict | None:
        """Looks a Trial up and copies its log, and its exported file if it has one, to the given paths.

        A trial that hung is only remembered for limits no longer than the one it hung for, unless it would never end.
        """
        with contextlib.suppress(OSError, sqlite3.Error, msgspec.MsgspecError), self._open() as database:
            row = database.execute("select verdict from trials where key = ?", (key,)).fetchone()
            if row is None:
                return None
            verdict = msgspec.json.decode(row[0], type=Verdict)
            endless = verdict.signature is not None and verdict.signature.kind == ENDLESS
            if verdict.outcome is Outcome.HUNG and verdict.seconds < limits.seconds and not endless:
                return None
            shutil.copyfile(self._log(key), log)
            if self._rknn(key).exists():
                shutil.copyfile(self._rknn(key), rknn)
            elif verdict.converted:
                return None  # swept by hand; a converted Trial without its file is worth nothing
            database.execute("update trials set used = ? where key = ?", (time.time(), key))
            return msgspec.structs.replace(verdict, cached=True)
        return None

    def put(self, key: str, verdict: Verdict, log: Path, rknn: Path) -> None:
        """Remembers a Trial, unless what ended it was the machine and not the model.

        A full disk loses the memory of this trial and nothing else.
        """
        if verdict.outcome in (Outcome.KILLED, Outcome.EXHAUSTED):
            return
        with contextlib.suppress(OSError, sqlite3.Error):
            size = self._place(log, self._log(key))
            if rknn.exists():
                size += self._place(rknn, self._rknn(key))
            with self._open() as database:
                database.execute(
                    "insert or replace into trials values (?, ?, ?, ?)",
                    (key, msgspec.json.encode(verdict), size, time.time()),
                )
                self._evict(database)

    def _evict(self, database: sqlite3.Connection) -> None:
        """Forgets the trials that were used longest ago while the folder is over its bound."""
        bound = int(os.environ.get("RKMEND_CACHE_MB", "4096")) << 20
        (total,) = database.execute("select coalesce(sum(bytes), 0) from trials").fetchone()
        for key, size in database.execute("select key, bytes from trials order by used").fetchall():
            if total <= bound:
                return
            database.execute("delete from trials where key = ?", (key,))
            for path in (self._log(key), self._rknn(key)):
                path.unlink(missing_ok=True)
            total -= size

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        database = sqlite3.connect(self._folder / "index.sqlite", timeout=BUSY_SECONDS)
        try:
            database.execute("pragma journal_mode=wal")
            with database:
                yield database
        finally:
            database.close()

    def _place(self, source: Path, destination: Path) -> int:
        destination.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=destination.parent)
        os.close(handle)
        try:
            shutil.copyfile(source, name)
            Path(name).replace(destination)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise
        return destination.stat().st_size

    def _log(self, key: str) -> Path:
        return self._folder / key[:2] / f"{key}.log"

    def _rknn(self, key: str) -> Path:
        return self._folder / key[:2] / f"{key}.rknn"
