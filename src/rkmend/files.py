"""Writing files so that nothing half-written is ever found under a final name."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from rkmend.errors import InputError


@contextmanager
def atomic_file(path: Path) -> Iterator[BinaryIO]:
    """Opens a new file for writing that takes its name only when the block has ended well.

    It is written beside its final name, flushed to the disk and then renamed; a file that had the name
    before is replaced in that moment. Permissions are those of any new file (umask).

    Raises:
        InputError: The disk is full or the folder cannot be written; nothing is left behind.
    """
    part = path.with_name(f".{secrets.token_hex(8)}.part")
    try:
        with part.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise InputError(
            f"cannot write {path}: {error.strerror or error}",
            hint="Free some space on its disk, or choose a folder that can be written.",
        ) from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def atomic_write(path: Path, data: bytes) -> None:
    """Writes a file whole or not at all.

    Raises:
        InputError: It cannot be written; a file that was there before is untouched.
    """
    with atomic_file(path) as file:
        file.write(data)


def atomic_copy(source: Path, path: Path) -> None:
    """Copies the content of a file, whole or not at all.

    Raises:
        InputError: It cannot be written; a file that was there before is untouched.
    """
    with source.open("rb") as original, atomic_file(path) as file:
        shutil.copyfileobj(original, file, 1 << 20)


def read_ends(path: Path, head: int, tail: int) -> str:
    """A text file, without its middle where it is long: a line says how much that is.

    Args:
        path: In UTF-8; what is not is replaced.
        head: Bytes of the beginning that are kept.
        tail: Of the end.

    Raises:
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size <= head + tail:
            return file.read().decode(errors="replace")
        first = file.read(head).decode(errors="replace")
        file.seek(-tail, os.SEEK_END)
        last = file.read().decode(errors="replace")
    return f"{first}\n... {size - head - tail:,} bytes left out ...\n{last}"
