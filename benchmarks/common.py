"""What every benchmark needs: a table on the terminal, JSON beside it, and the facts of the machine."""

from __future__ import annotations

import gc
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


BARE = """
import sys
from rknn.api import RKNN
rknn = RKNN()
rknn.config(target_platform="rk3588")
assert rknn.load_onnx(model=sys.argv[1]) == 0
assert rknn.build(do_quantization=False) == 0
assert rknn.export_rknn(sys.argv[2]) == 0
"""


_said: list[str] = []
"""What was printed, for the record beside the JSON."""


def say(line: str) -> None:
    """Prints a line and keeps it for `write`."""
    print(line)
    _said.append(line)


def table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Prints a Markdown table."""
    cells = [[str(cell) for cell in row] for row in (head, *rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    for number, row in enumerate(cells):
        say("| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |")
        if number == 0:
            say("|" + "|".join("-" * (width + 2) for width in widths) + "|")


def write(name: str, figures: dict[str, Any]) -> None:
    """Writes the figures and the machine to `results/<name>.json`, and what was printed to `results/<name>.md`."""
    RESULTS.mkdir(exist_ok=True)
    machine = {"cores": os.cpu_count(), "machine": platform.machine(), "python": platform.python_version()}
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps({"machine": machine, **figures}, indent=1) + "\n")
    path.with_suffix(".md").write_text("\n".join([*_said, ""]))
    print(f"\nwrote {path.relative_to(Path(__file__).parent.parent)}")


def median(values: Sequence[float]) -> float:
    """The middle of several runs: machines are shared and noisy."""
    return round(statistics.median(values), 3)


def process(*command: str) -> Callable[[], object]:
    """A whole process, whose exit status has to be 0; what it prints is not looked at."""
    return lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def in_turn(works: dict[str, Callable[[], object]], runs: int) -> dict[str, list[tuple[float, float]]]:
    """Seconds of wall and of processor time of each work, in turn: a change of the machine's speed hits all of them.

    Processor time counts this process and those that it waited for. Where there is but one thread it is what wall time
    would be on a machine that does nothing else.
    """
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in works}
    for _ in range(runs):
        for name, work in works.items():
            gc.collect()  # what an earlier work left behind is not this one's
            started, used = time.perf_counter(), _used()
            work()
            times[name].append((time.perf_counter() - started, _used() - used))
    return times


def _used() -> float:
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def wall_and_processor(title: str, times: dict[str, list[tuple[float, float]]]) -> dict[str, dict[str, int]]:
    """Prints a table of works, and gives its figures: milliseconds, medians and least ones."""
    figures = {}
    for name, runs in times.items():
        walls, used = zip(*runs, strict=True)
        columns = {"wall": walls, "processor": used}
        figures[name] = {
            f"{what}{suffix}": round(1000 * of(seconds))
            for what, seconds in columns.items()
            for suffix, of in (("", statistics.median), ("_min", min))
        }
    head = [f"{title}, ms", "wall, median", "min", "processor, median", "min"]
    table(head, [[name, *row.values()] for name, row in figures.items()])
    say("")
    return figures


def verdict(name: str, figure: float, demand: str, ok: bool) -> None:
    """One line: what was demanded, what came out."""
    say(f"\n{'ok  ' if ok else 'MISS'} {name}: {figure} (demanded: {demand})")


def bare_conversion(python: Path, model: Path, folder: Path) -> float:
    """Seconds of one plain conversion for rk3588 in a new process, as a user's own script does it."""
    command = [str(python), "-I", "-c", BARE, str(model), str(folder / "bare.rknn")]
    started = time.perf_counter()
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        sys.exit(f"{done.stdout}\nthe plain conversion of {model} ended with status {done.returncode}")
    return time.perf_counter() - started
