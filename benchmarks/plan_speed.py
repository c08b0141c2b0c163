"""How long `rkmend plan` takes on a network of 2,000 operators, beside Vela's performance estimate of one as large.

Demand: the plan itself, from the file to the record, under 1 s (fastest of 7 runs after one that warms up: others may
use the machine).

Vela (Arm, for Ethos-U) has no estimate without a compilation: what it takes for `--verbose-performance` is all of that.
Its network is the same one as int8 TFLite, where an activation is part of its Conv.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from common import median, say, table, verdict, write
from large import write_onnx
from peers import vela

import rkmend

NODES = 2000
RUNS, WHOLE_RUNS = 7, 3
HERE = Path(__file__).parent


def seconds(action: Callable[[], object]) -> tuple[float, float]:
    """Wall time, and processor time of this process and of those it waited for."""
    started, used = time.perf_counter(), _used()
    action()
    return time.perf_counter() - started, _used() - used


def _used() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def process(*command: str) -> Callable[[], object]:
    """A whole process."""
    return lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def main() -> None:
    python = vela()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model, other = write_onnx(folder / "large.onnx", NODES), folder / "large.tflite"
        subprocess.run([str(python), str(HERE / "large_tflite.py"), str(other), str(NODES)], check=True)
        plan = rkmend.plan(model, target="rk3588")
        assert len(plan.layers) == NODES
        assert all(layer.split for layer in plan.layers if layer.kind == "Conv")
        inside = [seconds(lambda: rkmend.plan(model, target="rk3588")) for _ in range(RUNS)]
        own = process(str(Path(sys.executable).with_name("rkmend")), "plan", str(model), "--target", "rk3588")
        peer = process(
            str(python.with_name("vela")), str(other), "--accelerator-config", "ethos-u65-256",
            "--verbose-performance", "--output-dir", str(folder / "vela"),
        )  # fmt: skip
        wholes: list[tuple[float, float]] = []
        peers: list[tuple[float, float]] = []
        for _ in range(WHOLE_RUNS):  # in turn, so that a change of the machine's speed hits both
            wholes.append(seconds(own))
            peers.append(seconds(peer))
    say(f"A network of {NODES} operators, rk3588, fp16; Vela 5.2.0 on as many, int8, ethos-u65-256.\n")
    rows = {
        "rkmend.plan, in a process that runs": inside,
        "rkmend plan, whole process": wholes,
        "vela --verbose-performance, whole process": peers,
    }
    figures = {
        what: {
            "median": median([wall for wall, _ in runs]),
            "fastest": round(min(wall for wall, _ in runs), 3),
            "processor": median([used for _, used in runs]),
        }
        for what, runs in rows.items()
    }
    table(
        ["what", "median s", "fastest s", "processor s"],
        [[what, *times.values()] for what, times in figures.items()],
    )
    fastest = figures["rkmend.plan, in a process that runs"]["fastest"]
    verdict("rkmend.plan, fastest run", fastest, "< 1 s", fastest < 1)
    write("plan_speed", {"nodes": NODES, "seconds": figures})


if __name__ == "__main__":
    main()
