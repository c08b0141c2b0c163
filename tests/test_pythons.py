"""What needs no trial works on every CPython there is wheels for, with no toolkit, no torch and no network."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from recorded_logs import FOLDER
from rkmend.toolkit.interpreters import probe

ROOT = Path(__file__).parents[1]
VERSIONS = ("3.10", "3.11", "3.12", "3.13", "3.14")
ABSENT = ("rknn", "torch", "onnxsim", "cv2")
NO_NETWORK = '''
"""No process of this environment gets as far as a name or an address: an audit hook cannot be taken back."""
import sys


def refuse(event, arguments):
    if event.startswith("socket.") and event not in ("socket.__new__", "socket.gethostname"):
        raise OSError(f"there is no network here: {event}{arguments}")


sys.addaudithook(refuse)
'''

pytestmark = pytest.mark.pythons


def interpreters(version: str) -> Iterator[Path]:
    """Where a Python of this version may be: on the path, or where pyenv keeps those it builds."""
    yield from (Path(folder) / f"python{version}" for folder in os.get_exec_path())
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from sorted(root.glob(f"versions/{version}.*/bin/python"))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, ROOT]
    subprocess.run(pip, check=True)
    (built,) = folder.glob("rkmend-*.whl")
    return built


class Installed:
    """rkmend in an environment of its own.

    Args:
        python: Makes it.
        wheel: Is installed with what it depends on.
        folder: For the environment, and for the home and the cache of what runs there.
    """

    def __init__(self, python: Path, wheel: Path, folder: Path) -> None:
        self.folder = folder
        subprocess.run([python, "-m", "venv", folder / "venv"], check=True)
        self.bin = folder / "venv" / "bin"
        subprocess.run([self.bin / "python", "-m", "pip", "install", "--quiet", wheel], check=True)
        (folder / "home").mkdir()
        packages = self.says("python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))")
        (Path(packages.strip()) / "sitecustomize.py").write_text(NO_NETWORK)

    def run(self, program: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        """A program of the environment, which knows nothing of the world outside."""
        env = {"HOME": str(self.folder / "home"), "PATH": str(self.bin), "LC_ALL": "C.UTF-8"}
        command = [self.bin / program, *map(str, arguments)]
        return subprocess.run(command, cwd=self.folder, env=env, capture_output=True, text=True)

    def says(self, program: str, *arguments: object, status: int = 0) -> str:
        """What it prints; its exit status is this one."""
        done = self.run(program, *arguments)
        assert done.returncode == status and "Traceback" not in done.stderr, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="module", params=VERSIONS)
def installed(request, wheel, tmp_path_factory) -> Installed:
    for path in interpreters(request.param):
        found = probe(path)
        if found is not None and found.version == request.param and found.makes_venvs:
            return Installed(found.path, wheel, tmp_path_factory.mktemp(f"python{request.param}"))
    pytest.skip(f"no CPython {request.param} with venv, neither on the path nor where pyenv keeps them")


def test_there_is_no_toolkit_no_torch_and_no_network(installed):
    code = f"from importlib.util import find_spec; print(list(filter(find_spec, {ABSENT})))"
    assert installed.says("python", "-c", code) == "[]\n"
    for call in ("create_connection(('127.0.0.1', 9))", "getaddrinfo('localhost', 80)"):
        refused = installed.run("python", "-c", f"import socket; socket.{call}")
        assert "there is no network here" in refused.stderr


def test_check(installed, low_seed):
    told = installed.says("rkmend", "check", low_seed, "--target", "rk3588,rk3576", status=1)
    assert "RKM101" in told and "Conv" in told
    assert installed.says("rkmend", "check", low_seed, "--target", "rk3588", "--format", "json", status=1)


def test_plan(installed, low_seed):
    told = installed.says("rkmend", "plan", low_seed, "--target", "rk3588", "--svg", "roofline.svg")
    assert "/lila2/conv/conv/Conv" in told
    assert (installed.folder / "roofline.svg").read_text().startswith(("<svg", "<?xml"))


def test_rules(installed):
    assert "RKM101" in installed.says("rkmend", "rules")
    assert installed.says("rkmend", "rule", "RKM101").startswith("# RKM101 padding-beyond-kernel")


def test_log(installed):
    told = installed.says("rkmend", "log", FOLDER / "2.3.2-seed.log")
    assert told == (FOLDER / "2.3.2-seed.story.txt").read_text()


def test_verify(installed, low_seed):
    assert "agree" in installed.says("rkmend", "verify", low_seed, low_seed)
