"""Calibration data that was uploaded: arrays, images, and archives of them, none of which is believed.

A .zip, like an .npz, says how large its members are, and how large the arrays in them; both are added up before
anything is unpacked. Members are written under names of our own, so that paths and links in an archive mean nothing.
"""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING

from rkmend.errors import InputError
from rkmend.toolkit.calibration import ARRAYS, IMAGES

if TYPE_CHECKING:
    import numpy as np

KINDS = (*ARRAYS, *IMAGES)
NOTHING = "Give .npy, .npz or image files, or a .zip of them."


def unpack(files: list[Path], folder: Path, *, unpacked_bytes: int, members: int) -> None:
    """Puts the samples of uploaded files into a folder, in the order of their names.

    Args:
        files: Stored under names of our own that keep the suffix.
        folder: Empty; gets `000000.npy` and so on.
        unpacked_bytes: What all of it may come to.
        members: How many samples there may be.

    Raises:
        InputError: An archive is damaged or unpacks to more, an array is larger than its file, or nothing is there.
    """
    budget = unpacked_bytes
    count = 0
    for suffix, size, opened in _samples(files):
        count, budget = count + 1, budget - size
        if count > members:
            raise InputError(f"the calibration data hold more than {members} files")
        if budget < 0:
            raise _too_much(unpacked_bytes)
        path = folder / f"{count:06}{suffix}"
        with opened as source, path.open("xb") as copy:
            _copy(source, copy, size)
        if suffix in ARRAYS:
            budget -= max(0, _array_bytes(path) - size)
            if budget < 0:
                raise _too_much(unpacked_bytes)
    if not count:
        raise InputError("no calibration data were uploaded", hint=NOTHING)


def check_arrays(path: Path, most: int) -> None:
    """Makes sure that an .npz or .npy is what it says and no larger than allowed.

    Raises:
        InputError: It is not.
    """
    if _array_bytes(path) > most:
        raise _too_much(most)


def _samples(files: list[Path]) -> Iterator[tuple[str, int, IO[bytes]]]:
    """Suffix, size and content of each."""
    for path in files:
        if path.suffix != ".zip":
            yield path.suffix, path.stat().st_size, path.open("rb")
            continue
        try:
            with zipfile.ZipFile(path) as archive:
                entries = [entry for entry in archive.infolist() if _kind(entry) in KINDS]
                for entry in sorted(entries, key=lambda entry: entry.filename):
                    yield _kind(entry), entry.file_size, archive.open(entry)
        except _BROKEN as error:
            raise InputError(
                f"the archive of calibration data cannot be read: {error}", hint=NOTHING
            ) from error


_BROKEN = (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError)
"""What zipfile raises for damage, unknown compression, encryption and cut files."""


def _kind(entry: zipfile.ZipInfo) -> str:
    """The suffix of a plain file; hidden ones, as macOS packs them along, are none."""
    name = entry.filename.rpartition("/")[2].lower()
    return "" if name.startswith(".") else Path(name).suffix


def _copy(source: IO[bytes], copy: IO[bytes], size: int) -> None:
    """Never more than was told: zipfile stops there as well."""
    left = size
    try:
        while left and (block := source.read(min(left, 1 << 20))):
            copy.write(block)
            left -= len(block)
    except _BROKEN as error:
        raise InputError(f"the archive of calibration data cannot be read: {error}", hint=NOTHING) from error


def _array_bytes(path: Path) -> int:
    """What the arrays of a file hold, by their headers, which have to fit what follows them."""
    try:
        if path.suffix == ".npz":
            with zipfile.ZipFile(path) as archive:
                total = 0
                for entry in archive.infolist():
                    with archive.open(entry) as member:
                        total += _declared(member, entry.file_size)
                return total
        with path.open("rb") as file:
            return _declared(file, path.stat().st_size)
    except Exception as error:  # numpy parses headers as Python, and lets out whatever that raises
        raise InputError(
            f"an array cannot be read: {error}", hint="Save it with numpy.save or numpy.savez."
        ) from error


def _declared(file: IO[bytes], size: int) -> int:
    import numpy as np

    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _order, dtype = read(file, max_header_size=10000)
    declared = _bytes(shape, dtype)
    if declared > size:
        raise ValueError(f"it says that it holds {declared:,} bytes, and has {size:,}")
    return declared


def _bytes(shape: tuple[int, ...], dtype: np.dtype) -> int:
    return math.prod(shape) * int(dtype.itemsize)


def _too_much(most: int) -> InputError:
    return InputError(
        f"the calibration data unpack to more than {most // 10**6:,} MB",
        hint="A few dozen samples are enough.",
    )
