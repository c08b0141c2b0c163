"""The collection of small failing models: what the toolkit does with each, and what rkmend makes of it.

    python benchmarks/repros.py [--toolkit 2.3.2 2.5.0] [--only TEXT ...] [--repros FOLDER] [--fresh]

Needs the folder of models (RKMEND_REPROS). Prints a table per failure class and writes results/repros.json.
"""

from __future__ import annotations

import argparse
import os
from collections import defaultdict
from pathlib import Path
from typing import Any

from common import RESULTS, say, table, verdict, write
from many import Job, right, run

from rkmend.conversion import Wishes
from rkmend.errors import RkmendError
from rkmend.graph import load
from rkmend.rules import Exactness

ROOT = Path(__file__).parent.parent
SIZE = 16
"""Of dynamic axes but the first."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--toolkit", nargs="+", default=["2.3.2", "2.5.0"])
    parser.add_argument("--only", nargs="*", default=())
    parser.add_argument("--fresh", action="store_true", help="forget the rows of earlier runs")
    folder = os.environ.get("RKMEND_REPROS", ROOT.parent / "shared" / "repros")
    parser.add_argument("--repros", type=Path, default=Path(folder))
    arguments = parser.parse_args()
    keep = RESULTS / "repros.rows.jsonl"
    if arguments.fresh:
        keep.unlink(missing_ok=True)
    jobs = [
        Job(f"{path.stem} {version}", path, _wishes(path), toolkit=version)
        for version in arguments.toolkit
        for path in sorted(arguments.repros.glob("*.onnx"))
        if not arguments.only or any(text in path.stem for text in arguments.only)
    ]
    report(run(jobs, keep))


def _wishes(path: Path) -> Wishes:
    """With sizes for dynamic inputs, as a user has to give them: one sample, and a small one."""
    try:
        inputs = load(path).inputs
    except RkmendError:
        inputs = ()
    shapes = {
        spec.name: tuple(
            size if isinstance(size, int) else (1 if axis == 0 else SIZE)
            for axis, size in enumerate(spec.shape)
        )
        for spec in inputs
        if not spec.static
    }
    return Wishes(inputs=shapes, exactness=Exactness.BOUNDED)


def report(rows: dict[str, Any]) -> None:
    """Prints the tables."""
    classes: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for name, row in rows.items():
        stem, version = name.rsplit(" ", 1)
        classes[version, stem.partition("__")[0]].append(row)
    lines = []
    for (version, kind), members in sorted(
        classes.items(), key=lambda item: (item[0][0], len(item[0][1]), item[0][1])
    ):
        alone = sum(row.get("alone") == "converted" for row in members)
        mended = sum(right(row) and row["alone"] != "converted" for row in members)
        refused = [row for row in members if not right(row)]
        named = sum(bool(row.get("findings")) for row in refused)
        lines.append([version, kind, len(members), alone, mended, len(refused), named])
    table(["toolkit", "class", "models", "right alone", "mended", "refused", "of these a rule names"], lines)
    say("")
    for name, row in sorted(rows.items()):
        if not right(row):
            say(f"* {name}: {row['status']} {row['why'][:300]}")
    failing = [row for row in rows.values() if row.get("alone") != "converted"]
    mended = sum(right(row) for row in failing)
    explained = mended + sum(not right(row) and bool(row.get("findings")) for row in failing)
    worse = [
        name for name, row in rows.items()
        if row.get("alone") == "converted" and (row["cycles"] or 0) > (row["cycles_alone"] or 0)
    ]  # fmt: skip
    say(f"\nfailing models mended with right numbers: {mended} of {len(failing)}")
    verdict("mended, or refused by a named rule", explained, f"all {len(failing)}", explained == len(failing))
    verdict("models that converted and were made worse", len(worse), "0", not worse)
    write("repros", {"rows": rows})


if __name__ == "__main__":
    main()
