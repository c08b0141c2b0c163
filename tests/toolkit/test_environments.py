"""Environments are found, made, continued and removed."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import msgspec
import pytest

from rkmend.errors import EnvironmentFailure, InputError
from rkmend.toolkit import child, environments, install, interpreters
from rkmend.toolkit.environments import Toolkit, ensure, fingerprint, installed, remove, unusable
from rkmend.toolkit.pins import pins_for

INSIDE = Path(install.__file__).parent / "inside"


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    """An empty cache folder."""
    monkeypatch.setenv("RKMEND_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def make_ready(cache: Path, version: str = "2.3.2") -> Path:
    """A real virtual environment without packages, declared ready."""
    folder = cache / "toolkits" / f"{version}-cp{sys.version_info[0]}{sys.version_info[1]}"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    ready = {
        "version": version,
        "fingerprint": fingerprint(folder),
        "pins": pins_for(version).digest,
        "base": os.path.realpath(folder / "bin" / "python"),
    }
    (folder / "ready.json").write_text(json.dumps(ready))
    return folder


def test_a_ready_environment_is_returned_at_once(cache, monkeypatch):
    folder = make_ready(cache)
    monkeypatch.setattr(subprocess, "Popen", None)  # starting anything would fail
    toolkit = ensure("2.3.2", progress=lambda text, fraction: pytest.fail(text))
    assert toolkit == ensure()
    assert toolkit == Toolkit("2.3.2", folder / "bin" / "python", fingerprint(folder))
    assert installed() == [toolkit]
    assert unusable() == []


def break_base(folder: Path) -> None:
    """The interpreter that it was made with is gone."""
    (folder / "bin" / "python").unlink()
    (folder / "bin" / "python").symlink_to("/nowhere/python3")


def replace_base(folder: Path) -> None:
    """A system update put another one in its place."""
    (folder / "bin" / "python").unlink()
    (folder / "bin" / "python").symlink_to("/bin/sh")


def change_pins(folder: Path) -> None:
    """An older rkmend made it."""
    ready = json.loads((folder / "ready.json").read_text())
    (folder / "ready.json").write_text(json.dumps({**ready, "pins": "0" * 16}))


def unfinish(folder: Path) -> None:
    """The installation was interrupted."""
    (folder / "ready.json").unlink()


def garble(folder: Path) -> None:
    """The file is damaged."""
    (folder / "ready.json").write_text('{"version": "2.3')


@pytest.mark.parametrize("harm", [break_base, replace_base, change_pins, unfinish, garble])
def test_what_cannot_be_used_is_noticed(cache, harm):
    folder = make_ready(cache)
    harm(folder)
    assert installed() == []
    assert unusable() == [folder]


@pytest.mark.parametrize(("harm", "kept"), [(break_base, False), (change_pins, False), (unfinish, True)])
def test_only_an_interrupted_installation_is_continued(cache, harm, kept, monkeypatch):
    """Seen by what is left when the installation stops at its first step."""
    folder = make_ready(cache)
    (folder / "witness").touch()
    harm(folder)

    def stop(folder, needed_mb):
        raise EnvironmentFailure("stopped here")

    monkeypatch.setattr(install, "check_disk", stop)
    with pytest.raises(EnvironmentFailure, match="stopped here"):
        ensure("2.3.2")
    assert (folder / "witness").exists() is kept


def test_remove(cache):
    make_ready(cache)
    other = make_ready(cache, "2.2.0")
    assert remove("2.3.2")
    assert [toolkit.version for toolkit in installed()] == ["2.2.0"]
    unfinish(other)
    assert remove("2.2.0")
    assert not remove("2.2.0")
    assert not remove("*")
    assert not other.exists()


def test_unknown_version(cache):
    with pytest.raises(InputError, match="Supported: "):
        ensure("1.0")
    assert not cache.exists()


def test_a_cache_that_cannot_be_written(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("RKMEND_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(EnvironmentFailure, match=r"(?s)cannot make .*/file/cache/toolkits.*RKMEND_CACHE"):
        ensure()


def test_no_space(cache, monkeypatch):
    monkeypatch.setattr(
        environments, "pins_for", lambda version=None: msgspec.structs.replace(pins_for(), disk_mb=10**9)
    )
    with pytest.raises(EnvironmentFailure, match="not enough disk space"):
        ensure()
    assert installed() == []


def test_an_unsupported_platform(cache, monkeypatch):
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    with pytest.raises(EnvironmentFailure, match="needs no trial still works"):
        ensure()


def test_a_python_without_wheels(cache, monkeypatch):
    monkeypatch.setenv(interpreters.OVERRIDE, "/bin/false")
    with pytest.raises(EnvironmentFailure, match="/bin/false is not a Python that runs"):
        ensure()


def test_the_second_process_waits_for_the_first(cache):
    """The first holds the lock, and makes the environment before it lets go."""
    (cache / "toolkits").mkdir(parents=True)
    script = (
        "import fcntl, sys; lock = open(sys.argv[1], 'w'); fcntl.flock(lock, fcntl.LOCK_EX);"
        "print('held', flush=True); sys.stdin.read()"
    )
    first = subprocess.Popen(
        [sys.executable, "-c", script, cache / "toolkits" / "2.3.2.lock"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert first.stdout.readline() == b"held\n"
    told, got = [], []
    second = threading.Thread(
        target=lambda: got.append(ensure(progress=lambda text, fraction: told.append(text)))
    )
    second.start()
    try:
        for _ in range(100):
            if told:
                break
            time.sleep(0.05)
        assert "waiting for another process" in told[0]
        folder = make_ready(cache)
    finally:
        first.communicate()
        second.join(timeout=20)
    assert [toolkit.python for toolkit in got] == [folder / "bin" / "python"]
    assert len(told) == 1  # nothing was installed


def test_the_fingerprint_is_of_the_packages_but_not_of_pip(cache):
    folder = make_ready(cache)
    (site,) = folder.glob("lib/python3*/site-packages")

    def add(name: str, version: str) -> str:
        info = site / f"{name}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        return fingerprint(folder)

    empty = fingerprint(folder)
    assert add("pip", "25.3") == empty
    first = add("onnx", "1.18.0")
    assert first != empty
    assert add("numpy", "1.26.4") != first
    assert fingerprint(folder) == fingerprint(folder)


@pytest.mark.toolkit
def test_the_default_environment_converts(toolkit, tmp_path):
    command = [toolkit.python, "-I", INSIDE / "smoke.py"]
    status, lines = child.run(command, cwd=tmp_path, env=dict(os.environ), timeout=120)
    assert status == 0, lines
    report = json.loads(lines[-1])
    pins = pins_for(toolkit.version)
    assert report["toolkit"] == toolkit.version == environments.DEFAULT_VERSION
    for name in ("numpy", "onnx", "onnxruntime", "protobuf", "setuptools"):
        assert report[name] == pins.packages[name]
    assert report["seconds"] > 0
    assert (tmp_path / "smoke.rknn").stat().st_size > 1000  # nine thousand weight bytes do not fit in less
    assert fingerprint(toolkit.python.parent.parent) == toolkit.fingerprint


@pytest.mark.toolkit
def test_no_cuda_came_along(toolkit):
    (site,) = toolkit.python.parent.parent.glob("lib/python3*/site-packages")
    assert not list(site.glob("nvidia*"))
    assert not list(site.glob("triton*"))


@pytest.mark.toolkit
@pytest.mark.slow
def test_an_interrupted_installation_is_continued(cache):
    """Interrupted three times, once with no chance to clean up; each time further on."""
    rkmend = [sys.executable, "-m", "rkmend", "toolkit", "install"]
    for seconds, number in ((4, signal.SIGINT), (14, signal.SIGKILL), (20, signal.SIGINT)):
        process = subprocess.Popen(rkmend, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(seconds)
        process.send_signal(number)
        assert process.wait(timeout=5) == (130 if number == signal.SIGINT else -9)
        assert installed() == []
    toolkit = ensure()
    assert toolkit.version == environments.DEFAULT_VERSION
    assert installed() == [toolkit]
