"""Nothing half-written under a final name."""

from __future__ import annotations

import os
import stat

import pytest
from limits import full_disk

from rkmend.errors import InputError
from rkmend.files import atomic_copy, atomic_file, atomic_write


def test_writes_and_replaces(tmp_path):
    path = tmp_path / "report.json"
    atomic_write(path, b"old")
    atomic_write(path, b"new")
    assert path.read_bytes() == b"new"
    assert [item.name for item in tmp_path.iterdir()] == ["report.json"]


def test_permissions_follow_the_umask(tmp_path):
    before = os.umask(0o027)
    try:
        atomic_write(tmp_path / "f", b"")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "f").stat().st_mode) == 0o640


def test_a_full_disk_leaves_what_was_there(tmp_path):
    path = tmp_path / "m.rknn"
    path.write_bytes(b"old")
    with full_disk(1000), pytest.raises(InputError) as error:
        atomic_write(path, bytes(5000))
    assert str(path) in error.value.message
    assert error.value.hint
    assert path.read_bytes() == b"old"
    assert [item.name for item in tmp_path.iterdir()] == ["m.rknn"]


def test_an_interruption_leaves_nothing(tmp_path):
    with pytest.raises(KeyboardInterrupt), atomic_file(tmp_path / "f") as file:
        file.write(b"half")
        raise KeyboardInterrupt
    assert not list(tmp_path.iterdir())


def test_a_missing_folder_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match="No such file"):
        atomic_write(tmp_path / "no" / "f", b"")
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="Not a directory"):
        atomic_write(tmp_path / "file" / "f", b"")


def test_copies(tmp_path):
    (tmp_path / "a").write_bytes(os.urandom(3 << 20))
    atomic_copy(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "b").read_bytes() == (tmp_path / "a").read_bytes()
    with full_disk(1 << 20), pytest.raises(InputError, match="cannot write"):
        atomic_copy(tmp_path / "a", tmp_path / "c")
    assert not (tmp_path / "c").exists()
