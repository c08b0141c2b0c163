"""Which CPython a toolkit environment is made with, and whether this platform can have one at all."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rkmend.errors import EnvironmentFailure
from rkmend.toolkit.pins import Pins, numbers

OVERRIDE = "RKMEND_TOOLKIT_PYTHON"

_PROBE = """
import importlib.util, json, platform, sys
print(json.dumps([sys.executable, sys.version_info[:2], platform.python_implementation(),
                  all(importlib.util.find_spec(name) for name in ("venv", "ensurepip"))]))
"""


@dataclass(frozen=True)
class Interpreter:
    """A Python that runs."""

    path: Path
    version: str
    """Such as `3.11`."""
    makes_venvs: bool
    """False where a distribution ships `venv` or `ensurepip` as a package of its own that is not there."""
    implementation: str = "CPython"

    @property
    def tag(self) -> str:
        """Such as `cp311`, as wheels spell it."""
        return "cp" + self.version.replace(".", "")


def check_platform(pins: Pins) -> None:
    """Holds when the toolkit has wheels for this machine.

    Raises:
        EnvironmentFailure: Not Linux, another processor, or a C library that the wheels do not run on.
    """
    here = f"{platform.system()} {platform.machine()}"
    wanted = f"RKNN-Toolkit2 {pins.version} exists for Linux on {' and '.join(pins.machines)} only"
    libc, version = platform.libc_ver()
    if sys.platform != "linux" or platform.machine() not in pins.machines:
        raise EnvironmentFailure(f"{wanted}; this is {here}", hint=_ELSEWHERE)
    if libc != "glibc" or numbers(version) < numbers(pins.glibc):
        found = f"{libc} {version}".strip() or "another C library"
        raise EnvironmentFailure(
            f"{wanted}, with glibc {pins.glibc} or newer; this has {found}", hint=_ELSEWHERE
        )


_ELSEWHERE = (
    "Everything that needs no trial still works here (check, verify with ONNX Runtime, rule, log). "
    "For trials, run rkmend in the Linux container that its Dockerfile describes, or on another machine."
)


def choose(pins: Pins) -> Interpreter:
    """The interpreter to make an environment with.

    `RKMEND_TOOLKIT_PYTHON` wins, then the one that runs rkmend, then `python3.12`, `python3.11` ... on PATH.
    Each is tried by running it: a version manager leaves stand-ins on PATH that only print an error.

    Raises:
        EnvironmentFailure: There is none that the toolkit has wheels for.
    """
    if own := os.environ.get(OVERRIDE):
        found = probe(own)
        if found is None:
            raise EnvironmentFailure(f"{OVERRIDE}={own} is not a Python that runs", hint=_wanted(pins))
        if why := _unfit(found, pins):
            raise EnvironmentFailure(f"{OVERRIDE}={own} {why}", hint=_wanted(pins))
        return found
    reasons = []
    for path in _candidates(pins):
        found = probe(path)
        if found is None:
            continue
        why = _unfit(found, pins)
        if not why:
            return found
        reasons.append(f"{found.path} {why}")
    raise EnvironmentFailure(
        f"no Python to install RKNN-Toolkit2 {pins.version} with: "
        + ("; ".join(dict.fromkeys(reasons)) or "none found"),
        hint=_wanted(pins),
    )


def probe(path: str | os.PathLike[str]) -> Interpreter | None:
    """Runs a Python and asks what it is; None when it does not run."""
    try:
        answer = subprocess.run(
            [path, "-I", "-c", _PROBE], capture_output=True, text=True, timeout=20, check=True
        )
        executable, version, implementation, makes_venvs = json.loads(answer.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    return Interpreter(Path(executable), ".".join(map(str, version)), makes_venvs, implementation)


def _candidates(pins: Pins) -> Iterator[str]:
    yield sys.executable
    for version in pins.pythons:
        for folder in os.get_exec_path():
            path = os.path.join(folder, f"python{version}")  # noqa: PTH118 - an empty PATH entry means here
            if os.access(path, os.X_OK):
                yield path


def _unfit(found: Interpreter, pins: Pins) -> str:
    """Why this interpreter will not do; empty when it will."""
    if found.implementation != "CPython" or found.version not in pins.pythons:
        return f"is {found.implementation} {found.version}"
    if not found.makes_venvs:
        return f"has no venv module (Debian and Ubuntu: apt install python{found.version}-venv)"
    return ""


def _wanted(pins: Pins) -> str:
    return (
        f"RKNN-Toolkit2 {pins.version} needs CPython {', '.join(sorted(pins.pythons, key=numbers))}: "
        f"install one of them, or set {OVERRIDE} to it."
    )
