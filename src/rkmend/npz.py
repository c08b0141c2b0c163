"""Archives of arrays, written and read one array at a time."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np

NATIVE = frozenset("biuf")
"""Kinds of dtype that an .npy file can hold."""


def write_npz(path: Path, arrays: Iterable[tuple[str, np.ndarray]], *, append: bool = False) -> None:
    """Writes arrays, uncompressed, holding one at a time when `arrays` is a generator.

    Args:
        path: Of the .npz file.
        arrays: Key and array; dtypes that numpy does not have itself (bfloat16) are written as float32, which
            holds all their values.
        append: Add to the archive instead of replacing it.
    """
    with zipfile.ZipFile(path, "a" if append else "w") as archive:
        for key, array in arrays:
            native = array if array.dtype.kind in NATIVE else array.astype(np.float32)
            with archive.open(f"{key}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, native, allow_pickle=False)


def read_npz(path: Path, key: str) -> np.ndarray:
    """Reads one array of an archive."""
    with np.load(path, allow_pickle=False) as archive:
        array: np.ndarray = archive[key]
    return array
