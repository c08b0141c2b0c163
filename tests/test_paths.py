"""Scratch folders: gone when their run ends, swept when it was killed, left alone while it lives."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from rkmend.errors import InputError
from rkmend.paths import cache_dir, scratch_dir

HOLD = """
from rkmend.paths import scratch_dir
with scratch_dir() as folder:
    (folder / "big").write_bytes(bytes(1000))
    print(folder, flush=True)
    input()
"""


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("RKMEND_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_it_is_gone_after_an_error(cache):
    with pytest.raises(ZeroDivisionError), scratch_dir() as folder:
        (folder / "file").write_text("x")
        _ = 1 / 0
    assert not folder.exists()


def test_a_killed_runs_folder_is_swept_and_a_living_ones_is_not(cache):
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    killed, living = (run.stdout.readline().strip() for run in runs)
    runs[0].send_signal(signal.SIGKILL)
    runs[0].wait()
    with scratch_dir():
        left = {str(folder) for folder in (cache / "scratch").glob("run-*")}
    assert killed not in left and living in left
    runs[1].communicate("\n")
    assert not list((cache / "scratch").glob("run-*"))


def test_a_cache_that_cannot_be_written_says_what_to_set(cache):
    cache.write_text("")
    with pytest.raises(InputError, match="RKMEND_CACHE"), scratch_dir():
        pass


def test_where_the_cache_is(monkeypatch, tmp_path):
    monkeypatch.delenv("RKMEND_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_dir() == tmp_path / "rkmend"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert cache_dir() == tmp_path / "home" / ".cache" / "rkmend"
