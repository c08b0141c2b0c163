"""Toolkit environments: one virtual environment per RKNN-Toolkit2 version, made on first use."""

from __future__ import annotations

import fcntl
import hashlib
import os
import platform
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from rkmend import paths
from rkmend.errors import EnvironmentFailure
from rkmend.toolkit import install, interpreters
from rkmend.toolkit.pins import default_version, pins_for, supported_versions
from rkmend.toolkit.pip import Say

__all__ = ["DEFAULT_VERSION", "Toolkit", "ensure", "installed", "remove", "supported_versions", "unusable"]

DEFAULT_VERSION = default_version()


@dataclass(frozen=True)
class Toolkit:
    """One RKNN-Toolkit2 version in an environment of its own, which has converted a model."""

    version: str
    python: Path
    """The environment's interpreter; start it with `-I`, so that the user's site-packages stay out."""
    fingerprint: str
    """Changes with any package, Python version or processor: part of the name of a remembered trial."""


class _Ready(msgspec.Struct, frozen=True):
    """What `ready.json` says. It is written last, so an environment without it is unfinished."""

    version: str
    fingerprint: str
    pins: str
    """`Pins.digest` of what was asked for."""
    base: str
    """The interpreter behind `bin/python`: a system update that replaces it makes the packages useless."""


def ensure(version: str | None = None, *, progress: Say | None = None) -> Toolkit:
    """The environment of a toolkit version, made now if there is none.

    Returns within milliseconds, and without starting a process, when it is ready. An installation that was
    interrupted is continued. Of several processes that want the same environment one makes it, and the
    others wait.

    Args:
        version: By default `DEFAULT_VERSION`.
        progress: Told what is going on, in a few words, and the share that is done, 0 to 1.

    Raises:
        InputError: The version is not supported.
        EnvironmentFailure: It cannot be made on this machine; the hint says what to do.
    """
    pins = pins_for(version)
    if toolkit := _find(pins.version):
        return toolkit
    say = progress or (lambda text, fraction: None)
    interpreters.check_platform(pins)
    try:
        with _lock(pins.version, say) as lock:
            if toolkit := _find(pins.version):
                return toolkit
            base = interpreters.choose(pins)
            folder = _root() / f"{pins.version}-{base.tag}"
            for other in _folders(pins.version):
                if other != folder or not _resumable(folder, base):
                    shutil.rmtree(other)
            install.make(folder, pins, base, say, keep_open=[lock])
            ready = _Ready(
                version=pins.version,
                fingerprint=fingerprint(folder),
                pins=pins.digest,
                base=os.path.realpath(folder / "bin" / "python"),
            )
            _write(folder / "ready.json", msgspec.json.encode(ready))
    except OSError as error:
        raise EnvironmentFailure(
            f"cannot make a toolkit environment in {_root()}: {error.strerror or error}",
            hint="Set RKMEND_CACHE to a folder that can be written and has 2 GB free.",
        ) from error
    say("ready", 1.0)
    return Toolkit(ready.version, folder / "bin" / "python", ready.fingerprint)


def installed() -> list[Toolkit]:
    """The environments that are ready, oldest version first."""
    return [toolkit for version in supported_versions() if (toolkit := _find(version))]


def unusable() -> list[Path]:
    """The folders of environments that are unfinished, broken, or made by an rkmend with other pins."""
    usable = {toolkit.python.parent.parent for toolkit in installed()}
    return sorted(set(_folders()) - usable)


def remove(version: str) -> bool:
    """Removes the environment of a version, in whatever state it is; tells whether there was one.

    Raises:
        EnvironmentFailure: It cannot be removed.
    """
    if not _folders(version):
        return False
    try:
        with _lock(version, lambda text, fraction: None):
            for folder in _folders(version):
                (folder / "ready.json").unlink(missing_ok=True)  # from here on nobody takes it for usable
                shutil.rmtree(folder)
    except OSError as error:
        raise EnvironmentFailure(f"cannot remove {error.filename}: {error.strerror or error}") from error
    return True


def fingerprint(folder: Path) -> str:
    """Of what decides a trial in the environment in `folder`: its packages, Python and processor."""
    from importlib import metadata  # 20 ms, and not needed when the environment is ready

    config = (folder / "pyvenv.cfg").read_text(encoding="utf-8").splitlines()
    facts = [platform.machine(), *(line for line in config if line.startswith("version"))]
    sites = [str(site) for site in folder.glob("lib/python3*/site-packages")]
    packages = {(dist.name.lower(), dist.version) for dist in metadata.distributions(path=sites)}
    facts += [f"{name}=={version}" for name, version in sorted(packages) if name != "pip"]
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:16]


def _root() -> Path:
    return paths.cache_dir() / "toolkits"


def _folders(version: str | None = None) -> list[Path]:
    """The folders of environments, of one version or of all, in whatever state they are."""
    if not _root().is_dir():
        return []
    names = ((folder, folder.name.rpartition("-cp")[0]) for folder in sorted(_root().iterdir()))
    return [folder for folder, name in names if name and version in (None, name)]


def _find(version: str) -> Toolkit | None:
    """The environment of a supported version, if it is ready."""
    for folder in _folders(version):
        python = folder / "bin" / "python"
        try:
            ready = msgspec.json.decode((folder / "ready.json").read_bytes(), type=_Ready)
        except (OSError, msgspec.DecodeError):
            continue
        same_base = python.exists() and os.path.realpath(python) == ready.base
        if same_base and ready.pins == pins_for(version).digest:
            return Toolkit(version, python, ready.fingerprint)
    return None


def _resumable(folder: Path, base: interpreters.Interpreter) -> bool:
    """Whether an installation in `folder` was interrupted, and can go on with this interpreter."""
    python = folder / "bin" / "python"
    same_base = not os.path.lexists(python) or os.path.realpath(python) == os.path.realpath(base.path)
    return same_base and not (folder / "ready.json").exists()


@contextmanager
def _lock(version: str, say: Say) -> Iterator[int]:
    """Held by whoever makes or removes the environment of a version; gives the lock's file descriptor."""
    _root().mkdir(parents=True, exist_ok=True)
    with (_root() / f"{version}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another process that is at work on toolkit {version}", 0.0)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock.fileno()


def _write(path: Path, data: bytes) -> None:
    """Writes a file whole or not at all."""
    partial = path.with_suffix(".partial")
    partial.write_bytes(data)
    partial.replace(path)
