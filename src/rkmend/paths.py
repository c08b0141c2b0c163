"""Where rkmend keeps things: cache folder, data folder, and scratch folders that never outlive their run."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rkmend.errors import InputError


def cache_dir() -> Path:
    """The folder for toolkit environments and remembered trials.

    `RKMEND_CACHE` wins, then `XDG_CACHE_HOME/rkmend`, then `~/.cache/rkmend`. Not created here.
    """
    return _own("RKMEND_CACHE", "XDG_CACHE_HOME", ".cache")


def data_dir() -> Path:
    """The folder for the runs of `rkmend serve`.

    `RKMEND_DATA` wins, then `XDG_DATA_HOME/rkmend`, then `~/.local/share/rkmend`. Not created here.
    """
    return _own("RKMEND_DATA", "XDG_DATA_HOME", ".local/share")


def _own(variable: str, base: str, usual: str) -> Path:
    """A folder that a variable names, or one for rkmend in the user's folder for such things."""
    if own := os.environ.get(variable):
        return Path(own).expanduser().absolute()
    given = os.environ.get(base)
    return (Path(given) if given else Path.home() / usual).expanduser().absolute() / "rkmend"


@contextmanager
def scratch_dir() -> Iterator[Path]:
    """A private folder under the cache folder, removed when the block ends, however it ends.

    A run that was killed cannot clean up after itself, so each scratch folder holds a lock file that its
    process keeps locked; folders whose lock nobody holds are swept away by the next run.

    Raises:
        InputError: The cache folder cannot be written.
    """
    root = cache_dir() / "scratch"
    try:
        root.mkdir(parents=True, exist_ok=True)
        with (root / ".lock").open("w") as door:  # making and sweeping exclude each other
            fcntl.flock(door, fcntl.LOCK_EX)
            _sweep(root)
            folder = Path(tempfile.mkdtemp(prefix="run-", dir=root))
            lock = (folder / ".lock").open("w")
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise InputError(
            f"cannot write to the cache folder {root}: {error.strerror or error}",
            hint="Set RKMEND_CACHE to a folder that can be written and has a few GB free.",
        ) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        lock.close()


def _sweep(root: Path) -> None:
    """Remove the scratch folders of runs that died."""
    for folder in root.glob("run-*"):
        try:
            with (folder / ".lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:
            continue  # its run is alive
