"""What a failure was seen with: packages, Python, operating system, processor architecture."""

from __future__ import annotations

import platform
from contextlib import suppress
from importlib import metadata
from pathlib import Path


def environment_of(python: Path) -> dict[str, str]:
    """The surroundings of a toolkit, without host name, user name and paths.

    Args:
        python: The interpreter of a virtual environment.

    Returns:
        `Python`, `OS`, `libc` and `architecture`, then package -> version by name.
    """
    folder = python.parent.parent
    sites = [str(site) for site in folder.glob("lib/python3*/site-packages")]
    packages = {dist.name.lower(): dist.version for dist in metadata.distributions(path=sites)}
    facts = {
        "Python": _python_version(folder),
        "OS": _system(),
        "libc": " ".join(platform.libc_ver()).strip(),
        "architecture": platform.machine(),
    }
    return {name: value for name, value in facts.items() if value} | dict(sorted(packages.items()))


def _python_version(folder: Path) -> str:
    """As `pyvenv.cfg` has it: no process is started to ask."""
    with suppress(OSError):
        for line in (folder / "pyvenv.cfg").read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition("=")
            if name.strip() in ("version", "version_info"):
                return value.strip()
    return ""


def _system() -> str:
    with suppress(OSError, KeyError):
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    return platform.system()
