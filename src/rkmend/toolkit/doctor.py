"""Finds what breaks toolkit environments, and names the one command that mends it."""

from __future__ import annotations

import platform
import shlex
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from rkmend import paths
from rkmend.errors import EnvironmentFailure, InputError
from rkmend.toolkit import environments, interpreters
from rkmend.toolkit.environments import Toolkit
from rkmend.toolkit.inspection import Check, inspect
from rkmend.toolkit.pins import Pins, pins_for, supported_versions

__all__ = ["Check", "examine"]

_SCRATCH_MB = 300  # what trials may need beside the environments


def examine(version: str | None = None, *, python: Path | None = None) -> list[Check]:
    """Looks at rkmend's own surroundings, and into toolkit environments.

    Args:
        version: Only this toolkit version; with `python`, the version that it is meant for.
        python: Look into this interpreter instead of rkmend's own environments.

    Raises:
        InputError: The version is not supported, or there is no file `python`.
    """
    pins = pins_for(version)
    if python is not None:
        return [*_own(pins), *_foreign(python, pins)]
    ready = [toolkit for toolkit in environments.installed() if version in (None, toolkit.version)]
    found = [check for toolkit in ready for check in _managed(toolkit)]
    for folder in environments.unusable():
        one = folder.name.rpartition("-cp")[0]
        if version in (None, one):
            action = "install" if one in supported_versions() else "remove"
            detail = f"{folder} is unfinished, broken, or was made from other pins"
            found.append(Check("environment", False, detail, f"rkmend toolkit {action} {one}", _where(one)))
    return [*_own(pins), *(found or [_none(version)])]


def _none(version: str | None) -> Check:
    if version is None:
        return Check(
            "environments", True, "none yet: the first conversion makes one, or `rkmend toolkit install`"
        )
    return Check("environment", False, "there is none", f"rkmend toolkit install {version}", _where(version))


def _where(version: str) -> str:
    return f"toolkit {version}"


def _own(pins: Pins) -> Iterator[Check]:
    """What rkmend itself runs on."""
    there = any(toolkit.version == pins.version for toolkit in environments.installed())
    python = f"{platform.python_implementation()} {platform.python_version()}"
    machine = f"{platform.system()} {platform.machine()}, {' '.join(platform.libc_ver())}"
    try:
        interpreters.check_platform(pins)
        yield Check("platform", True, machine)
    except EnvironmentFailure as error:
        yield Check("platform", False, error.message, "docker build -t rkmend . && docker run -it rkmend")
    try:
        made_with = "" if there else f"; an environment will be made with {interpreters.choose(pins).path}"
        yield Check("Python", True, python + made_with)
    except EnvironmentFailure as error:
        cure = f"export {interpreters.OVERRIDE}=/path/to/python{pins.pythons[0]}"
        yield Check("Python", False, f"{python}; {error.message}", cure)
    yield from _cache(_SCRATCH_MB if there else pins.disk_mb)


def _cache(needed_mb: int) -> Iterator[Check]:
    """Whether the cache folder can be written and is large enough."""
    cache = paths.cache_dir()
    elsewhere = "export RKMEND_CACHE=/path/to/a/folder"
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=cache):
            pass
    except OSError as error:
        yield Check("cache folder", False, f"{cache} cannot be written: {error.strerror or error}", elsewhere)
        return
    yield Check("cache folder", True, f"{cache} can be written")
    free_mb = shutil.disk_usage(cache).free / 1e6
    detail = f"{free_mb:.0f} MB are free, {needed_mb} MB are needed"
    enough = free_mb >= needed_mb
    yield Check("disk", enough, detail, "" if enough else elsewhere)


def _managed(toolkit: Toolkit) -> list[Check]:
    """One of rkmend's own environments. These are pinned: whatever is wrong, making it again mends it."""
    again = f"rkmend toolkit install {toolkit.version} --force"
    where = _where(toolkit.version)
    checks = inspect(toolkit.python, pins_for(toolkit.version), lambda what: again, again, isolated=True)
    if environments.fingerprint(toolkit.python.parent.parent) != toolkit.fingerprint:
        checks.append(Check("packages", False, "were changed since the environment was made", again))
    return [replace(check, where=where) for check in checks]


def _foreign(python: Path, pins: Pins) -> list[Check]:
    """Somebody's own environment, as its owner runs it."""
    if not python.is_file():
        raise InputError(f"there is no file {python}", hint="--python takes the path of an interpreter.")
    python = python.absolute()  # not resolved: behind the link of a virtual environment is another Python
    quoted = shlex.quote(str(python))

    def cure(what: str) -> str:
        return f"{quoted} -m {what}"

    checks = inspect(python, pins, cure, f"rkmend toolkit install {pins.version}", isolated=False)
    return [replace(check, where=str(python)) for check in checks]
