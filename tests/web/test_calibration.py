"""Calibration data that were uploaded to do harm."""

from __future__ import annotations

import io
import stat
import zipfile

import numpy as np
import pytest

from rkmend.errors import InputError
from rkmend.web.calibration import check_arrays, unpack

MB = 2**20


def npy(array: np.ndarray) -> bytes:
    np.save(out := io.BytesIO(), array)
    return out.getvalue()


def zipped(path, members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def unpacked(files, folder, unpacked_bytes: int = MB, members: int = 10) -> list[str]:
    folder.mkdir()
    unpack(files, folder, unpacked_bytes=unpacked_bytes, members=members)
    return sorted(path.name for path in folder.iterdir())


def test_samples_come_in_the_order_of_their_names(tmp_path):
    members = {"b.npy": npy(np.full(2, 2.0)), "a.npy": npy(np.full(2, 1.0)), "readme.txt": b"no sample"}
    out = tmp_path / "out"
    assert unpacked([zipped(tmp_path / "c.zip", members)], out) == ["000001.npy", "000002.npy"]
    assert [np.load(out / f"00000{n}.npy")[0] for n in (1, 2)] == [1.0, 2.0]


def test_paths_in_an_archive_mean_nothing(tmp_path):
    names = ["../../evil.npy", "/etc/evil.npy", "a/../../evil.npy", "C:\\evil.npy", "__MACOSX/._x.npy"]
    path = zipped(tmp_path / "c.zip", {name: npy(np.ones(2)) for name in names})
    assert unpacked([path], tmp_path / "out") == [f"{n:06}.npy" for n in range(1, 5)]
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["c.zip", "out"]


def test_a_link_in_an_archive_is_a_file_of_nonsense(tmp_path):
    with zipfile.ZipFile(tmp_path / "c.zip", "w") as archive:
        entry = zipfile.ZipInfo("link.npy")
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(entry, "/etc/passwd")
    with pytest.raises(InputError, match="array cannot be read"):
        unpacked([tmp_path / "c.zip"], tmp_path / "out")
    assert not any(path.is_symlink() for path in (tmp_path / "out").iterdir())


def test_a_bomb_is_not_unpacked(tmp_path):
    """200 MB of zeros in 0.2 MB: refused by what the archive says, before anything is written."""
    path = zipped(tmp_path / "c.zip", {"a.npy": bytes(200 * MB)})
    assert path.stat().st_size < MB
    with pytest.raises(InputError, match="unpack to more than 1 MB"):
        unpacked([path], tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())


def test_a_bomb_that_says_it_is_small(tmp_path):
    """A member whose directory entry lies about its size: no more than that is ever written."""
    path = zipped(tmp_path / "c.zip", {"a.png": bytes(8 * MB)})
    data = bytearray(path.read_bytes())
    entry = data.rindex(b"PK\x01\x02")
    data[entry + 24 : entry + 28] = (1000).to_bytes(4, "little")
    path.write_bytes(data)
    with pytest.raises(InputError, match="cannot be read"):
        unpacked([path], tmp_path / "out")
    assert sum(file.stat().st_size for file in (tmp_path / "out").iterdir()) <= 1000


def test_many_small_members_are_bounded(tmp_path):
    path = zipped(tmp_path / "c.zip", {f"{n}.npy": npy(np.ones(1)) for n in range(11)})
    with pytest.raises(InputError, match="more than 10 files"):
        unpacked([path], tmp_path / "out")


def test_a_bomb_in_an_npz(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", x=np.zeros(50 * MB, np.uint8))
    assert (tmp_path / "a.npz").stat().st_size < MB
    with pytest.raises(InputError, match="unpack to more"):
        unpacked([tmp_path / "a.npz"], tmp_path / "out")
    with pytest.raises(InputError, match="unpack to more"):
        check_arrays(tmp_path / "a.npz", MB)
    (tmp_path / "b").mkdir()
    with pytest.raises(InputError, match="unpack to more"):
        nested = zipped(tmp_path / "c.zip", {"a.npz": (tmp_path / "a.npz").read_bytes()})
        unpacked([nested], tmp_path / "out2")


def test_an_array_that_says_it_is_huge(tmp_path):
    """numpy would reserve what the header says before it looks at the file."""
    header = npy(np.ones(2)).replace(b"(2,), }" + b" " * 10, b"(99999999999,), }")
    (tmp_path / "a.npy").write_bytes(header)
    with pytest.raises(InputError, match="array cannot be read"):
        unpacked([tmp_path / "a.npy"], tmp_path / "out")


def test_pickles_are_not_read(tmp_path):
    np.save(tmp_path / "a.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    unpacked([tmp_path / "a.npy"], tmp_path / "out")  # its header is fine; reading it is refused later
    with pytest.raises(ValueError, match="pickle"):
        np.load(tmp_path / "out" / "000001.npy")


@pytest.mark.parametrize("header", [b"{'a': (", b"\xff" * 20, b"__import__('os')", b"(" * 100])
def test_a_header_of_nonsense(tmp_path, header):
    (tmp_path / "a.npy").write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
    with pytest.raises(InputError, match="array cannot be read"):
        unpacked([tmp_path / "a.npy"], tmp_path / "out")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"no archive at all", b"PK\x05\x06" + bytes(18)])
def test_damage(tmp_path, content):
    (tmp_path / "c.zip").write_bytes(content)
    with pytest.raises(InputError):
        unpacked([tmp_path / "c.zip"], tmp_path / "out")


def test_an_encrypted_member(tmp_path):
    path = zipped(tmp_path / "c.zip", {"a.npy": npy(np.ones(2))})
    data = bytearray(path.read_bytes())
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + place] |= 1
    path.write_bytes(data)
    with pytest.raises(InputError, match="cannot be read"):
        unpacked([path], tmp_path / "out")
