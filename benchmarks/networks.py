"""Real networks: the toolkit alone, after onnxsim, after onnxslim, and rkmend.

    python benchmarks/networks.py [--target rk3588] [--int8] [--only TEXT ...] [--models FOLDER] [--fresh]

Needs the folder of networks (RKMEND_MODELS) with its index.tsv. Writes results/networks-<target>[-int8].{json,md}.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from common import RESULTS, say, table, verdict, write
from many import Job, right, run
from peers import simplifier

from rkmend.conversion import Wishes
from rkmend.graph import freeze, load
from rkmend.rules import Exactness

ROOT = Path(__file__).parent.parent
PEERS = ("onnxsim", "onnxslim")
DEMAND = 48 / 50
CALIBRATION = 4
"""Random samples of an int8 build."""
FRACTION = 5
"""Of other targets and of int8 only every fifth network."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--target", default="rk3588")
    parser.add_argument("--int8", action="store_true", help="int8, calibrated on random data")
    parser.add_argument("--only", nargs="*", default=())
    parser.add_argument("--fresh", action="store_true", help="forget the rows of earlier runs")
    folder = os.environ.get("RKMEND_MODELS", ROOT.parent / "shared" / "models")
    parser.add_argument("--models", type=Path, default=Path(folder))
    arguments = parser.parse_args()
    title = f"networks-{arguments.target}" + ("-int8" if arguments.int8 else "")
    keep = RESULTS / f"{title}.rows.jsonl"
    if arguments.fresh:
        keep.unlink(missing_ok=True)
    with (arguments.models / "index.tsv").open() as file:
        networks = list(csv.DictReader(file, delimiter="\t"))
    if arguments.int8 or arguments.target != "rk3588":
        networks = networks[::FRACTION]
    with tempfile.TemporaryDirectory() as folder:
        jobs = [
            job
            for network in networks
            if not arguments.only or any(text in network["name"] for text in arguments.only)
            for job in _jobs(network, arguments, Path(folder))
        ]
        report(run(jobs, keep), title)


def _jobs(network: dict[str, str], arguments: argparse.Namespace, folder: Path) -> list[Job]:
    """Rkmend on the network as it is, which tries it as it is first, and the peers' simplified forms."""
    name, path = network["name"], arguments.models / f"{network['name']}.onnx"
    shapes = {key: tuple(shape) for key, shape in json.loads(network["static_shapes"] or "{}").items()}
    wishes = Wishes(
        inputs=shapes,
        exactness=Exactness.BOUNDED,
        quantize=_calibration(path, shapes, folder / name) if arguments.int8 else None,
    )
    jobs = [Job(f"{name} rkmend", path, wishes, target=arguments.target)]
    for peer in PEERS:
        simplified = _simplified(peer, path, shapes, folder / f"{name}.{peer}.onnx")
        jobs.append(Job(f"{name} {peer}", simplified, wishes, target=arguments.target, original=path))
    return jobs


def _simplified(peer: str, path: Path, shapes: dict[str, tuple[int, ...]], out: Path) -> Path:
    """What a simplifier makes of a network; the network itself where it fails."""
    if out.exists():
        return out
    given = [f"{key}:{','.join(map(str, shape))}" for key, shape in shapes.items() if shape]
    option = {"onnxsim": "--overwrite-input-shape", "onnxslim": "--input-shapes"}[peer]
    command = [str(simplifier(peer)), str(path), str(out), *([option, *given] if given else [])]
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=600)
    return out if done.returncode == 0 and out.exists() else path


def _calibration(path: Path, shapes: dict[str, tuple[int, ...]], folder: Path) -> Path:
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True)
    for number in range(CALIBRATION):
        arrays = {
            spec.name: rng.standard_normal(spec.sizes).astype(spec.dtype)
            for spec in freeze(load(path), shapes).inputs
        }
        np.savez(folder / f"{number}.npz", **arrays)
    return folder


def report(rows: dict[str, Any], title: str) -> None:
    """Prints the tables."""
    names = list(dict.fromkeys(name.rsplit(" ", 1)[0] for name in rows))
    lines, ours, peers, slower, behind = [], 0, dict.fromkeys(("alone", *PEERS), 0), [], []
    for name in names:
        row = rows[f"{name} rkmend"]
        by_peer = {"alone": row.get("alone") == "converted"}
        by_peer |= {peer: rows.get(f"{name} {peer}", {}).get("alone") == "converted" for peer in PEERS}
        for peer, good in by_peer.items():
            peers[peer] += good
        ours += right(row)
        behind += [name] if any(by_peer.values()) and not right(row) else []
        slower += [name] if (row.get("cycles_alone") or 0) and row["cycles"] > row["cycles_alone"] else []
        lines.append(
            [
                name,
                row.get("alone", ""),
                *("right" if by_peer[peer] else "-" for peer in PEERS),
                row["status"],
                " ".join(dict.fromkeys(mend.split()[0] for mend in row.get("mends", []))),
                _number(row.get("cosine"), "{:.6f}") + ("*" if row.get("explained_by_rounding") else ""),
                _number(row.get("cpu_ops"), "{}"),
                _number(row.get("cycles"), "{:,}"),
                row["seconds"],
            ]
        )
    table(
        ["network", "toolkit alone", *PEERS, "rkmend", "mends", "cosine", "on CPU", "cycles", "seconds"],
        lines,
    )
    say(
        "\n* differs as fp16 or int8 itself does, by the emulation of the original; the cosine is of the worst sample\n"
    )
    for name in names:
        row = rows[f"{name} rkmend"]
        if not right(row):
            say(f"* {name}: {row['status']} {row['why'][:500]}")
        elif row["notes"]:
            say(f"* {name}: {' '.join(row['notes'])[:500]}")
    least = math.floor(DEMAND * len(names))
    verdict("right with rkmend", ours, f">= {least} of {len(names)}", ours >= least)
    say("right with " + ", ".join(f"{peer}: {count}" for peer, count in peers.items()))
    verdict("behind a peer", len(behind), "0", not behind)
    verdict("converted before and slower now", len(slower), "0", not slower)
    write(title, {"rows": rows})


def _number(value: float | None, form: str) -> str:
    return "" if value is None else form.format(value)


if __name__ == "__main__":
    main()
