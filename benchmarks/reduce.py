"""`rkmend reduce` against `polygraphy debug reduce`, bisect and linear, on the same models with the same oracle.

Where the toolkit judges, the check command is a script that does one plain conversion, with the message of the failure
as `--fail-regex`: without it both tools take any other failure for this one. rkmend is run with that very command as
well, besides its own way (`--target`), which knows the failure by itself. Polygraphy looks for nodes alone; rkmend goes
on to sizes, attributes and weights and draws a certificate, so its seconds until the nodes were final have a column.

Demands: rkmend is 1-minimal everywhere, never larger, and at least 10 times faster where the toolkit judges.

    python benchmarks/reduce.py --models ../shared/models     # with the real networks whose files are there
    python benchmarks/reduce.py --cases seed,if --quick       # without the linear mode

What an earlier run found for other cases stays in the results.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median

import onnx
import onnx_ir as ir
from check_operators import FOUND, operators
from common import BARE, RESULTS, say, table, verdict, write
from peers import polygraphy
from reduce_cases import Case, cases

from rkmend.diagnose.reduction.change import CannotChange
from rkmend.diagnose.reduction.nodes import node_changes
from rkmend.errors import InputError
from rkmend.graph import CannotExtract, InvalidModel, export, load, validated
from rkmend.targets import load_target
from rkmend.toolkit.environments import ensure
from rkmend.toolkit.trial import Trial
from rkmend.toolkit.trials import Trials

SECONDS = 900
"""Time limit of each run; also rkmend's budget."""
TARGET = "rk3588"
RKMEND = Path(sys.executable).with_name("rkmend")
CHECK_OPERATORS = Path(__file__).with_name("check_operators.py")

Judge = Callable[[Path], "str | None"]
"""From a model to its failure."""


@dataclass
class Run:
    """One row of the table.

    Attributes:
        nodes: Left, at all levels; None when the run gave no model.
        trials: Models that were judged.
        seconds: Of the whole process.
        node_seconds: Until the nodes were final; the whole of it for a tool that does no more.
        same: Whether what is left fails as the given model does.
        minimal: Whether no node can be removed, bypassed, or replaced by its body, and the failure stays.
        note: What else is to be known.
        load: Load average of the machine when it ended, itself included: others may use it too.
    """

    case: str
    tool: str
    nodes: int | None
    trials: int
    seconds: float
    node_seconds: float
    same: bool = False
    minimal: bool = False
    note: str = ""
    load: float = field(default_factory=lambda: round(os.getloadavg()[0], 1))


class Bench:
    """The folder and the oracles of one benchmark."""

    def __init__(self, folder: Path, trials: Trials) -> None:
        self.folder = folder
        self.trials = trials
        self.toolkit = ensure()
        self.polygraphy = polygraphy()
        self.script = folder / "convert.py"
        self.script.write_text(BARE)

    def command(self, case: Case, model: str) -> list[str]:
        """The check command; `model` is the path of what it judges."""
        if case.operators:
            return [sys.executable, "-I", str(CHECK_OPERATORS), model, *case.operators]
        return [str(self.toolkit.python), "-I", str(self.script), model, "out.rknn"]

    def judge(self, case: Case) -> Judge:
        """What a model's failure is: the toolkit's Signature, or that the script says no."""

        def ask_toolkit(path: Path) -> str | None:
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            done = self.trials.run(Trial("model", path, digest, load_target(TARGET), self.toolkit))
            return str(done.verdict.signature) if done.verdict.signature else None

        def ask_script(path: Path) -> str | None:
            held = set(operators(onnx.load(path).graph))
            return f"exit {FOUND}" if held >= set(case.operators) else None

        return ask_script if case.operators else ask_toolkit

    def compare(self, case: Case, *, linear: bool) -> list[Run]:
        """All runs of one case."""
        given = self.folder / f"{case.name}.onnx"
        case.make(given)
        judge = self.judge(case)
        failure = judge(given)
        if failure is None:
            sys.exit(f"{case.name} does not fail, so there is nothing to compare")
        print(f"\n{case.name}: {case.text}; {size(given)} nodes; {failure}", flush=True)
        runs = []
        if not case.operators:
            runs.append(self.rkmend(case, given, "rkmend", ["--target", TARGET, "--no-cache"]))
        check = [*regex(case), "--check", shlex.join(self.command(case, "{}"))]
        runs.append(self.rkmend(case, given, "rkmend --check", check))
        for mode in ("bisect", "linear") if linear else ("bisect",):
            runs.append(self.polygraph(case, given, mode))
        for run in runs:
            left = self.result(case, run.tool)
            if left.exists():
                self.inspect(run, left, judge, failure)
            print(asdict(run), flush=True)
        return runs

    def inspect(self, run: Run, left: Path, judge: Judge, failure: str) -> None:
        """Judges what a tool has left."""
        run.nodes, run.same = size(left), judge(left) == failure
        try:
            model = load(left).ir
        except InputError:
            run.note = "left an invalid model"
            return
        run.minimal = run.same and not removable(model, judge, failure, self.folder)

    def result(self, case: Case, tool: str) -> Path:
        """Where a tool writes what is left."""
        folder = self.folder / f"{case.name}-{tool.replace(' ', '-')}"
        folder.mkdir(exist_ok=True)
        return folder / "repro.onnx"

    def rkmend(self, case: Case, given: Path, tool: str, oracle: list[str]) -> Run:
        """Runs rkmend with an oracle."""
        out = self.result(case, tool).parent
        command = [str(RKMEND), "reduce", str(given), *oracle, "--force", "--budget", f"{SECONDS}s"]
        seconds, lines = watched([*command, "--out", str(out)], out, 2 * SECONDS)
        counts = [
            (at, int(found[1])) for at, line in lines if (found := re.search(r"(\d+) nodes? left", line))
        ]
        final = [at for at, count in counts if count == counts[-1][1]]
        done = [at for at, line in lines if line.endswith("sizes and attributes")]
        record = out / "reduction.json"
        if not record.exists():
            return Run(case.name, tool, None, 0, seconds, seconds, note="ended without a model")
        reduction = json.loads(record.read_text())
        node_seconds = round(max(final[0], done[0]), 1) if done else seconds
        note = reduction["unfinished"] or ("" if reduction["minimal"] else "not minimal")
        return Run(case.name, tool, None, reduction["trials"], seconds, node_seconds, note=note)

    def polygraph(self, case: Case, given: Path, mode: str) -> Run:
        """Runs polygraphy in one of its modes."""
        tool = f"polygraphy {mode}"
        left = self.result(case, tool)
        command = [str(self.polygraphy), "debug", "reduce", str(given), "-o", str(left), "--mode", mode]
        check = [*regex(case), "--check", *self.command(case, "polygraphy_debug.onnx")]
        seconds, lines = watched([*command, *check], left.parent, SECONDS)
        trials = sum("RUNNING | Iteration" in line for _, line in lines)
        note = f"stopped after {SECONDS} s" if seconds >= SECONDS else ""
        if not note and not left.exists():
            note = next(
                (line for _, line in reversed(lines) if line.startswith("[!]")), "ended without a model"
            )
        return Run(case.name, tool, None, trials, seconds, seconds, note=note)


def regex(case: Case) -> list[str]:
    """The option of both tools that says which failure is meant."""
    return ["--fail-regex", case.message] if case.message else []


def watched(command: list[str], folder: Path, limit: float) -> tuple[float, list[tuple[float, str]]]:
    """Runs a command in a folder; its seconds, and its lines with the second at which each came."""
    started = time.monotonic()
    lines = []
    with subprocess.Popen(
        ["timeout", "--kill-after=5", str(limit), *command],  # ends its children as well
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as process:
        assert process.stdout
        for line in process.stdout:
            lines.append((time.monotonic() - started, line.rstrip()))
    (folder / "output.txt").write_text("\n".join(line for _, line in lines))
    return round(time.monotonic() - started, 1), lines


def size(path: Path) -> int:
    """Nodes at all levels."""
    return sum(1 for _ in operators(onnx.load(path, load_external_data=False).graph))


def removable(model: ir.Model, judge: Judge, failure: str, folder: Path) -> bool:
    """Whether there is a node that the failure does not need: tries every way in which each can go."""
    for change in node_changes(model):
        try:
            smaller = validated(change.apply(model))
        except (CannotChange, CannotExtract, InvalidModel):
            continue
        export(smaller, folder / "smaller.onnx")
        if judge(folder / "smaller.onnx") == failure:
            return True
    return False


def show(runs: list[Run]) -> None:
    """The table."""
    head = ["case", "tool", "nodes left", "trials", "seconds", "until the nodes were final", "same failure",
            "1-minimal", "load", "note"]  # fmt: skip
    rows = []
    for run in runs:
        yes_no = ["yes" if answer else "no" for answer in (run.same, run.minimal)]
        left, answers = ("-", ["-", "-"]) if run.nodes is None else (str(run.nodes), yes_no)
        seconds = f"> {SECONDS}" if run.seconds >= SECONDS else f"{run.seconds:.1f}"
        rows.append(
            [
                run.case,
                run.tool,
                left,
                run.trials,
                seconds,
                f"{run.node_seconds:.1f}",
                *answers,
                run.load,
                run.note,
            ]
        )
    table(head, rows)


def judged(runs: list[Run]) -> None:
    """The demands."""
    ours = [run for run in runs if run.tool.startswith("rkmend")]
    good = [run for run in ours if run.same and run.minimal]
    verdict(
        "runs of rkmend that end 1-minimal with the same failure", len(good), f"{len(ours)}", good == ours
    )
    larger = [
        (run.case, run.tool)
        for run in ours
        for other in runs
        if other.case == run.case and other.same and (run.nodes or 0) > (other.nodes or 0)
    ]
    verdict(
        "runs of rkmend that leave more nodes than a peer with the same failure", len(larger), "0", not larger
    )
    for mode in ("bisect", "linear"):
        for figure, seconds in (("whole reduction", "seconds"), ("nodes alone", "node_seconds")):
            ratios = {
                run.case: round(other.seconds / getattr(run, seconds), 1)
                for run in ours
                for other in runs
                if run.tool == "rkmend" and other.case == run.case and other.tool == f"polygraphy {mode}"
            }
            if ratios:
                slowest = min(ratios, key=ratios.__getitem__)
                verdict(
                    f"times faster than {mode}, {figure}, at least (median {median(ratios.values()):.1f}, least "
                    f"{slowest})", ratios[slowest], ">= 10", ratios[slowest] >= 10,
                )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", type=Path, help="folder with the files of the real networks")
    parser.add_argument("--cases", help="names with commas; default: all")
    parser.add_argument("--quick", action="store_true", help="without polygraphy's linear mode")
    asked = parser.parse_args()
    known = {case.name: case for case in cases(asked.models)}
    names = asked.cases.split(",") if asked.cases else list(known)
    if unknown := [name for name in names if name not in known]:
        parser.error(f"no case {', '.join(unknown)}; there are {', '.join(known)}, and more with --models")
    runs = [run for run in earlier() if run.case not in names]
    with tempfile.TemporaryDirectory() as folder, Trials(Path(folder) / "trials") as trials:
        bench = Bench(Path(folder), trials)
        for name in names:
            runs += bench.compare(known[name], linear=not asked.quick)
    runs.sort(key=lambda run: [*known, run.case].index(run.case))
    show(runs)
    for name, case in known.items():
        say(f"\n{name}: {case.text}")
    judged(runs)
    write("reduce", {"limit_seconds": SECONDS, "runs": [asdict(run) for run in runs]})


def earlier() -> list[Run]:
    """What the results hold."""
    path = RESULTS / "reduce.json"
    return [Run(**run) for run in json.loads(path.read_text())["runs"]] if path.exists() else []


if __name__ == "__main__":
    main()
