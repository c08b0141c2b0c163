"""Ctrl-C at any stage, and two runs at once, as whole processes on the real toolkit."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from models import conv

from rkmend.paths import cache_dir

pytestmark = pytest.mark.toolkit


@pytest.fixture
def private_cache(toolkit, tmp_path, monkeypatch) -> Path:
    """A cache of our own, so that other runs on this machine leave nothing in it, with the installed toolkits."""
    cache = tmp_path / "cache"
    cache.mkdir()
    (cache / "toolkits").symlink_to(cache_dir() / "toolkits")
    monkeypatch.setenv("RKMEND_CACHE", str(cache))
    return cache


def start(model: Path, out: Path, *more: str) -> subprocess.Popen[str]:
    command = [
        sys.executable,
        "-m",
        "rkmend",
        "convert",
        str(model),
        "--target",
        "rk3588",
        "--out",
        str(out),
        "--no-explain",
        *more,
    ]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def descendants(pid: int) -> set[int]:
    found = set()
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            found |= {int(child)} | descendants(int(child))
    return found


@pytest.mark.parametrize(
    "line", ["reading the model", "running the model", "as it is", "looking for the cause", "output-padding"]
)
def test_ctrl_c(private_cache, low_seed, tmp_path, line):
    """Interrupted once this line of progress was seen."""
    front = start(low_seed, tmp_path / "out", "--no-cache")
    for seen in front.stderr:
        if line in seen:
            break
    else:
        pytest.fail(f"never said '{line}'")
    time.sleep(0.2)
    family = descendants(front.pid)
    front.send_signal(signal.SIGINT)
    started = time.monotonic()
    _, rest = front.communicate(timeout=60)
    while any(Path(f"/proc/{pid}").exists() for pid in family) and time.monotonic() - started < 10:
        time.sleep(0.02)
    assert not [pid for pid in family if Path(f"/proc/{pid}").exists()]
    # CPython ends itself by SIGINT where the interrupt came while C code ran Python code, in an import for example,
    # although it was handled afterwards; a shell shows 130 for both.
    assert front.returncode in (130, -signal.SIGINT)
    assert "Traceback" not in rest
    assert not list((private_cache / "scratch").glob("run-*"))
    assert not (tmp_path / "out").exists()


def test_two_runs_share_one_cache(private_cache, tmp_path):
    model = conv(tmp_path / "model.onnx")
    fronts = [start(model, tmp_path / f"out{number}") for number in (1, 2)]
    for front in fronts:
        out, err = front.communicate(timeout=120)
        assert front.returncode == 0, err
        assert "converted" in out
    again = start(model, tmp_path / "out3")
    out, _ = again.communicate(timeout=120)
    assert again.returncode == 0 and "1 remembered" in out
