"""What is the user's own and must not leave the machine: home directories, user and host names."""

from __future__ import annotations

import getpass
import platform
import re
from functools import cache
from pathlib import Path

_HOMES = r"/home/[^/\s'\":,;)\]]+|/Users/[^/\s'\":,;)\]]+|/root(?=[/\s'\":,;)\]]|$)"
_COMMON = frozenset({"root", "user", "admin", "docker", "build", "runner", "ubuntu", "localhost"})
"""Names that name nobody, and that a log may well use as words."""


def redact(text: str) -> str:
    """The text with home directories, this user's name and this machine's name replaced by `~`."""
    return _pattern().sub("~", text)


@cache
def _pattern() -> re.Pattern[str]:
    words = [re.escape(name) for name in _names() if len(name) > 2 and name.lower() not in _COMMON]
    homes = [re.escape(str(Path.home())) + r"(?![\w.-])"] if len(Path.home().parts) > 1 else []
    alternatives = [*homes, _HOMES, *(rf"(?<!\w){word}(?!\w)" for word in words)]
    return re.compile("|".join(alternatives))


def _names() -> list[str]:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container may run under a number that has no name
        user = ""
    return [user, platform.node()]
