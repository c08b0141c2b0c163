"""Limits of the operating system, for tests of what happens when there is no more."""

from __future__ import annotations

import re
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def full_disk(limit: int) -> Iterator[None]:
    """Writes fail beyond `limit` bytes a file, as they do when a disk is full: the system call returns an error."""
    with _limited(resource.RLIMIT_FSIZE, limit):
        yield


@contextmanager
def no_room_for_more_than(megabytes: int) -> Iterator[None]:
    """Allocations beyond the present use fail; mapping a file for reading is no allocation (`man 2 getrlimit`)."""
    used = int(re.search(r"VmData:\s+(\d+)", Path("/proc/self/status").read_text())[1]) << 10
    with _limited(resource.RLIMIT_DATA, used + (megabytes << 20)):
        yield


@contextmanager
def _limited(what: int, limit: int) -> Iterator[None]:
    before = resource.getrlimit(what)
    resource.setrlimit(what, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(what, before)
