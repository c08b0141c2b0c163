"""What `rkmend check` says against what the toolkit does: findings per rule on models that convert and on others.

    python benchmarks/check_levels.py [--models FOLDER] [--repros FOLDER] [--conformance FILE.tsv]

Needs the folder of networks (RKMEND_MODELS) and of small models (RKMEND_REPROS), each with its index.tsv of what
toolkit 2.3.2 does alone for rk3588 in fp16, and its results on the ONNX backend tests (RKMEND_CONFORMANCE); what is not
there is left out. Demand: no finding at error level on a network that converts rightly. Writes
results/check_levels.json.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from common import say, table, verdict, write
from conformance import _data

import rkmend
from rkmend.errors import RkmendError
from rkmend.graph import load
from rkmend.rules import all_rules
from rkmend.rules.base import Level

ROOT = Path(__file__).parent.parent
SIZE = 16
"""Of dynamic axes but the first, where nobody says which."""
RIGHT = 0.99
"""Cosine from which an output counts as right; all repros that converted have more than 0.9999."""
TOO_NEW = "RKM001"
"""A model that the toolkit refuses for its opset tells nothing of other rules."""


@dataclass(frozen=True)
class Case:
    """A model and whether the toolkit alone gets it right."""

    kind: str
    path: Path
    shapes: dict[str, tuple[int, ...]]
    right: bool

    @property
    def name(self) -> str:
        """For the tables."""
        return f"{self.kind} {self.path.parent.name if self.path.stem == 'model' else self.path.stem}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    shared = ROOT.parent / "shared"
    for option, variable, default in (
        ("--models", "RKMEND_MODELS", shared / "models"),
        ("--repros", "RKMEND_REPROS", shared / "repros"),
        ("--conformance", "RKMEND_CONFORMANCE", shared / "facts" / "conformance-2.3.2-rk3588.tsv"),
    ):
        parser.add_argument(option, type=Path, default=Path(os.environ.get(variable, default)))
    arguments = parser.parse_args()
    rows = []
    for case in (*networks(arguments.models), *repros(arguments.repros), *tests(arguments.conformance)):
        try:
            checked = rkmend.check(case.path, "rk3588", inputs=_shapes(case))
        except RkmendError:
            continue  # not an ONNX file that anybody could convert
        found = {finding.code: finding.level.value for finding in checked.findings}
        rows.append({"name": case.name, "kind": case.kind, "right": case.right, "found": found})
    report(rows)


def networks(folder: Path) -> Iterator[Case]:
    """The real networks."""
    for row in _rows(folder / "index.tsv"):
        shapes = {name: tuple(shape) for name, shape in json.loads(row["static_shapes"] or "{}").items()}
        right = row["toolkit_2.3.2_rk3588_fp16"] == "converted"
        yield Case("network", folder / f"{row['name']}.onnx", shapes, right)


def repros(folder: Path) -> Iterator[Case]:
    """The small models of failures and of what was tried against them."""
    for row in _rows(folder / "index.tsv"):
        if (row["platform"], row["toolkit"], row["quantised"]) == ("rk3588", "2.3.2", "0"):
            cosines = [float(text) for text in row["cosine"].split(";") if text]
            right = (
                row["result"] == "converted" and min(cosines, default=1) > RIGHT and not row["shape_changed"]
            )
            yield Case("repro", folder / row["file"], {}, right)


def tests(results: Path) -> Iterator[Case]:
    """The ONNX backend tests."""
    for row in _rows(results):
        path = _data() / row["test"] / "model.onnx"
        if path.exists():
            yield Case("test", path, {}, row["result"] == "converted")


def _rows(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    return list(csv.DictReader(lines, delimiter="\t"))


def _shapes(case: Case) -> dict[str, tuple[int, ...]]:
    given = {
        spec.name: tuple(
            size if isinstance(size, int) else (1 if axis == 0 else SIZE)
            for axis, size in enumerate(spec.shape)
        )
        for spec in load(case.path).inputs
        if not spec.static
    }
    return {**given, **case.shapes}


def report(rows: list[dict]) -> None:
    """The tables."""
    counts: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(lambda: [0, 0]))
    false = []
    for row in rows:
        told = {TOO_NEW: row["found"][TOO_NEW]} if TOO_NEW in row["found"] else row["found"]
        for code, level in told.items():
            counts[code][row["kind"]][0 if row["right"] else 1] += 1
            if row["right"] and level == Level.ERROR.value:
                false.append((row["kind"], row["name"], code))
    lines = []
    for rule in all_rules():
        kinds = counts[rule.code]
        right, failing = (sum(kinds[kind][side] for kind in kinds) for side in (0, 1))
        precision = f"{failing / (right + failing):.2f}" if right + failing else "-"
        each = [f"{kinds[kind][0]} / {kinds[kind][1]}" for kind in ("network", "repro", "test")]
        lines.append([rule.code, rule.name, rule.level.value, *each, precision])
    say("Models on which a rule holds: those that the toolkit alone gets right / those that it does not.\n")
    table(["rule", "name", "level", "networks", "repros", "backend tests", "precision"], lines)
    for kind, name, code in false:
        say(f"\n* {code} is an error on a {kind} that converts rightly: {name}")
    at_networks = sum(kind == "network" for kind, _name, _code in false)
    verdict("errors on networks that convert rightly", at_networks, "0", at_networks == 0)
    failing = [row for row in rows if not row["right"]]
    named = sum(Level.ERROR.value in row["found"].values() for row in failing)
    say(f"\n{named} of {len(failing)} models that fail have a finding at error level")
    write("check_levels", {"rows": rows})


if __name__ == "__main__":
    main()
