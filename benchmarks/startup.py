"""How long the command line takes to say its version and to show help, against a bare interpreter in the same run.

Demands: `rkmend --version` under 0.3 s, `rkmend convert --help` under 0.4 s (median of 15 whole processes).
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from common import median, table, verdict, write

RUNS = 15
COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "python -c 'import click'": [sys.executable, "-c", "import click"],
    "rkmend --version": [str(Path(sys.executable).with_name("rkmend")), "--version"],
    "rkmend convert --help": [str(Path(sys.executable).with_name("rkmend")), "convert", "--help"],
}


def seconds(command: list[str]) -> float:
    """Wall time of one whole process."""
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def main() -> None:
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(RUNS):  # in turn, so that a change of the machine's speed hits all of them
        for name, command in COMMANDS.items():
            times[name].append(seconds(command))
    bare = median(times["python -c pass"])
    table(
        ["command", "median s", "min s", "times a bare interpreter"],
        [
            [name, median(all_), round(min(all_), 3), round(median(all_) / bare, 1)]
            for name, all_ in times.items()
        ],
    )
    version, help_ = median(times["rkmend --version"]), median(times["rkmend convert --help"])
    verdict("rkmend --version", version, "< 0.3 s", version < 0.3)
    verdict("rkmend convert --help", help_, "< 0.4 s", help_ < 0.4)
    write("startup", {"runs": RUNS, "median_seconds": {name: median(all_) for name, all_ in times.items()}})


if __name__ == "__main__":
    main()
