"""pip inside an environment: its progress while it works, and its decisive lines when it fails."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rkmend.errors import EnvironmentFailure
from rkmend.toolkit import child

Say = Callable[[str, float], None]
"""Told what is going on, in a few words, and the share of the whole that is done, 0 to 1."""

_DISK = (
    "The disk is full. Make room, or set RKMEND_CACHE to a folder on a larger disk; then run it again, "
    "it goes on where it stopped."
)
_NETWORK = (
    "The package registry does not answer, or does not have it at all. Check the connection, HTTPS_PROXY and "
    "`pip config list`; then run it again, it goes on where it stopped."
)
_NO_WHEEL = (
    "The registry that pip is configured for has no such wheel for this Python and machine. "
    "Check `pip config list`; RKMEND_TOOLKIT_PYTHON chooses another Python."
)
_HINTS = (  # the first that matches: without a network pip also says that nothing matches
    (r"No space left on device|Disk quota exceeded", _DISK),
    (
        r"Failed to establish|name resolution|timed out|ProxyError|SSLError|from versions: none",
        _NETWORK,
    ),
    (r"No matching distribution|not a supported wheel", _NO_WHEEL),
    (r"Permission denied|Read-only file system", "Set RKMEND_CACHE to a folder that can be written."),
)


def child_env(folder: Path) -> dict[str, str]:
    """The environment variables that an environment's children run with.

    The user's pip configuration stays in force; the user's site-packages and PYTHON* variables do not.
    Temporary files go beside the environment: `/tmp` is often small.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return kept | {"PYTHONNOUSERSITE": "1", "PIP_USER": "0", "TMPDIR": str(folder / "tmp")}


@dataclass(frozen=True)
class Pip:
    """The pip of the environment in `folder`."""

    folder: Path
    keep_open: Sequence[int] = ()
    """File descriptors that pip inherits, see `child.run`."""

    def install(self, requirements: Sequence[str], *options: str, on_progress: Say) -> None:
        """Installs wheels, and nothing that they depend on.

        Args:
            requirements: As on pip's command line.
            options: More of pip's options.
            on_progress: Told what is going on, and the share of this that is done.

        Raises:
            EnvironmentFailure: pip failed; with its decisive lines and a hint.
        """
        meter = _Meter(len(requirements), on_progress)
        self._run(["--progress-bar", "raw", *options, *requirements], meter)

    def look(self, requirement: str, *options: str) -> list[dict[str, Any]]:
        """What `install` would install, from pip's installation report; empty when it is installed already.

        Raises:
            EnvironmentFailure: As `install`.
        """
        report = self.folder / "tmp" / "report.json"
        self._run(["--dry-run", "--report", str(report), *options, requirement])
        wheels: list[dict[str, Any]] = json.loads(report.read_text(encoding="utf-8"))["install"]
        return wheels

    def upgrade(self, version: str) -> None:
        """Makes pip itself this version; what an interpreter bundles may be years old.

        Raises:
            EnvironmentFailure: As `install`.
        """
        self._run([f"pip=={version}"])

    def _run(self, arguments: Sequence[str], on_line: Callable[[str], None] = lambda line: None) -> None:
        command = [str(self.folder / "bin" / "python"), "-I", "-m", "pip", "install"]
        # Not compiled: the first import does that for the sixth part of the modules that is ever imported.
        common = ["--no-deps", "--no-compile", "--only-binary=:all:"]
        quiet = ["--no-input", "--disable-pip-version-check"]
        status, lines = child.run(
            [*command, *common, *quiet, *arguments],
            cwd=self.folder,
            env=child_env(self.folder),
            on_line=on_line,
            keep_open=self.keep_open,
        )
        if status != 0:
            raise failure(lines)


def failure(lines: Sequence[str]) -> EnvironmentFailure:
    """What went wrong, from the lines that pip printed: the last errors, and what to do about them."""
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    errors = [line for line in errors if not line.startswith("Ignored the following")]
    decisive = errors[-3:] or [line for line in lines if line.strip()][-3:] or ["it printed nothing"]
    text = "\n".join(lines)
    hint = next((hint for pattern, hint in _HINTS if re.search(pattern, text)), "")
    return EnvironmentFailure("pip: " + "; ".join(line[:240] for line in decisive), hint=hint)


class _Meter:
    """Reads the share that is done off pip's lines: fetching counts for half, installing for the other."""

    def __init__(self, items: int, tell: Say) -> None:
        self.items = items
        self.tell = tell
        self.begun = 0
        self.name = ""

    def __call__(self, line: str) -> None:
        if match := re.match(r"(?:Collecting|Processing|Requirement already satisfied:) (\S+)", line):
            self.begun += 1
            self.name = re.split(r"-\d|==", Path(match[1]).name)[0]
            self._fetched(0.0)
        elif match := re.match(r"Progress (\d+) of (\d+)", line):
            self._fetched(int(match[1]) / max(1, int(match[2])))
        elif line.startswith("Installing collected packages"):
            self.tell("unpacking", 0.5)

    def _fetched(self, share: float) -> None:
        done = (self.begun - 1 + share) / self.items
        self.tell(f"fetching {self.name}", 0.5 * min(1.0, max(0.0, done)))
