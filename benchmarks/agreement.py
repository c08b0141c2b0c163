"""Foresight against the compiler: random layers through `rkmend check`, `rkmend plan` and the real toolkit.

    python benchmarks/agreement.py [--target rk3588] [--layers 3000] [--seed 2026] [--finished] [--fresh]

Compiles each layer and compares: what check calls an error with what fails to convert or is unsound (where it foresees
one the simulator runs as well, since an error may also be that something else is computed); what it says goes to the
CPU with the compiler's table; the cycles of a plan with those in the table. A run is taken up where it was left.
Writes results/agreement-<target>.{json,md}, of another seed than the published one results/agreement-<target>-fresh.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import layers as drawn
import onnx
from common import RESULTS, say, table, verdict, write
from layers import Layer

from rkmend.checking import check
from rkmend.graph import load
from rkmend.planning import plan
from rkmend.rules.base import Level
from rkmend.targets import load_target
from rkmend.toolkit.environments import Toolkit, ensure
from rkmend.toolkit.options import BuildOptions
from rkmend.toolkit.trial import Limits, Trial
from rkmend.toolkit.trials import Trials
from rkmend.toolkit.verdict import Outcome, Verdict
from rkmend.verification.reference import candidate_calibration, make_reference

SECONDS = 180.0
"""Time limit of a trial."""
PUBLISHED = 2026
"""The seed that the rules were found on, beside others; a fresh one has files of its own."""
CLOSE = 0.05
"""Cycles may be off by so much."""
CONVS = ("Conv", "depth-wise Conv")
DEMANDS = {"Conv on rk3588": (0.98, 0.95), "others": (0.95, 0.90)}
"""Recall and precision of failures."""
ON_CPU = frozenset({"RKM601", "RKM602", "RKM606", "RKM607", "RKM608"})
"""Rules that say that something goes to the CPU."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--target", default="rk3588")
    parser.add_argument("--layers", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=PUBLISHED)
    parser.add_argument("--finished", action="store_true", help="run nothing, report the rows that there are")
    parser.add_argument("--fresh", action="store_true", help="forget the rows of earlier runs")
    arguments = parser.parse_args()
    keep = RESULTS / f"agreement-{arguments.target}-{arguments.seed}.rows.jsonl"
    if arguments.fresh:
        keep.unlink(missing_ok=True)
    layers = drawn.draw(arguments.layers, arguments.seed)
    if not arguments.finished:
        known = _rows(keep)
        _compile([one for one in layers if _is_open(one, known, arguments.target)], arguments.target, keep)
    known = _rows(keep)
    report([known[one.key] for one in layers if one.key in known], arguments.target, arguments.seed)


def _rows(keep: Path) -> dict[str, dict[str, Any]]:
    """By layer; what was run later counts."""
    lines = keep.read_text().splitlines() if keep.exists() else []
    return {row["layer"]: row for row in map(json.loads, lines)}


def _is_open(layer: Layer, known: Mapping[str, dict[str, Any]], target: str) -> bool:
    """Whether a layer was not run, or without the simulator though it is foreseen to fail by now."""
    row = known.get(layer.key)
    if row is None:
        return True
    if row["outcome"] != "converted" or row.get("simulated"):
        return False
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "layer.onnx"
        onnx.save(layer.model(), path)
        return bool(_errors(path, target, _dtype(layer)))


def _compile(layers: list[Layer], target: str, keep: Path) -> None:
    toolkit = ensure()
    with tempfile.TemporaryDirectory() as name, keep.open("a") as file:
        folder = Path(name)
        with Trials(folder / "trials", Limits(seconds=SECONDS), None) as trials:
            observed = trials.observe(_trials(layers, target, toolkit, folder))
            for number, (layer, done) in enumerate(zip(layers, observed, strict=True), 1):
                facts = _facts(done.verdict)
                simulated = done.trial.reference is not None
                file.write(json.dumps({"layer": layer.key, **facts, "simulated": simulated}) + "\n")
                file.flush()
                done.rknn.unlink(missing_ok=True)
                if number % 100 == 0:
                    print(f"{number}/{len(layers)}", flush=True)


def _trials(layers: list[Layer], target: str, toolkit: Toolkit, folder: Path) -> Iterator[Trial]:
    for number, layer in enumerate(layers):
        proto, path = layer.model(), folder / f"{number}.onnx"
        assert proto is not None
        onnx.save(proto, path)
        model = load(path)
        reference = None
        if _errors(path, target, _dtype(layer)):
            reference = make_reference(model, BuildOptions(), folder / f"{number}")
        yield Trial(
            f"{number}",
            path,
            layer.key,
            load_target(target),
            toolkit,
            BuildOptions(quantize=layer.int8),
            candidate_calibration(model.ir, path) if layer.int8 else None,
            reference,
        )


def _dtype(layer: Layer) -> str:
    return "int8" if layer.int8 else "fp16"


def _errors(path: Path, target: str, dtype: str) -> list[str]:
    """Codes of the rules that call the layer an error."""
    findings = check(path, target, dtype=dtype).findings
    return [found.code for found in findings if found.level is Level.ERROR]


def _facts(found: Verdict) -> dict[str, Any]:
    inside = [layer for layer in found.layers if layer.op_type not in ("InputOperator", "OutputOperator")]
    return {
        "outcome": found.outcome.value,
        "signature": str(found.signature or ""),
        "operators": [[layer.op_type, layer.target, layer.cycles_ddr, layer.cycles_npu] for layer in inside],
    }


@dataclass
class Count:
    """How two say yes or no to the same."""

    both: int = 0
    foreseen: int = 0
    happened: int = 0
    seen: int = 0

    def add(self, foreseen: bool, happened: bool) -> None:
        self.seen += 1
        self.foreseen += foreseen
        self.happened += happened
        self.both += foreseen and happened

    @property
    def recall(self) -> float:
        return self.both / self.happened if self.happened else 1.0

    @property
    def precision(self) -> float:
        return self.both / self.foreseen if self.foreseen else 1.0


@dataclass
class Kind:
    """What was compared of one kind of layer."""

    fails: Count = field(default_factory=Count)
    falls_back: Count = field(default_factory=Count)
    cycles: list[tuple[bool, bool]] = field(default_factory=list)
    totals: list[tuple[int, int]] = field(default_factory=list)
    """Cycles by the plan, and by the compiler."""


def report(rows: list[dict[str, Any]], target: str, seed: int) -> None:
    kinds: dict[str, Kind] = defaultdict(Kind)
    missed = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "layer.onnx"
        for row in rows:
            layer = drawn.parse(row["layer"])
            model = layer.model()
            assert model is not None
            onnx.save(model, path)
            dtype = _dtype(layer)
            findings = check(path, target, dtype=dtype).findings
            wrong = [found.code for found in findings if found.level is Level.ERROR]
            fails = row["outcome"] not in (Outcome.CONVERTED.value, Outcome.KILLED.value)
            kind = kinds[layer.kind]
            kind.fails.add(bool(wrong), fails)
            if bool(wrong) != fails:
                missed.append(
                    [layer.kind, _short(layer), " ".join(wrong) or "-", row["outcome"], row["signature"][:60]]
                )
            if fails:
                continue
            on_cpu = any(found.code in ON_CPU for found in findings)
            kind.falls_back.add(on_cpu, any(where == "CPU" for _, where, _, _ in row["operators"]))
            if len(row["operators"]) == 1 and layer.operator == "Conv":
                ddr, npu = row["operators"][0][2:]
                planned = plan(path, target=target, dtype=dtype).layers[0]
                kind.cycles.append((_close(planned.cycles_ddr, ddr), _close(planned.cycles_npu, npu)))
                kind.totals.append((planned.cycles or 0, max(ddr, npu)))
    _print(kinds, missed, target, seed, len(rows))


def _close(mine: int | None, theirs: int) -> bool:
    return abs((mine or 0) - theirs) <= CLOSE * max(theirs, 1)


def _print(kinds: dict[str, Kind], missed: list[list[str]], target: str, seed: int, number: int) -> None:
    say(f"{number} random layers, seed {seed}, {target}\n")
    lines = []
    for name, kind in sorted(kinds.items()):
        close = [all(pair) for pair in kind.cycles]
        lines.append(
            [
                name,
                kind.fails.seen,
                kind.fails.happened,
                f"{kind.fails.recall:.3f}",
                f"{kind.fails.precision:.3f}",
                kind.falls_back.happened,
                f"{kind.falls_back.recall:.3f}",
                f"{kind.falls_back.precision:.3f}",
                f"{sum(close)} of {len(close)}" if close else "",
            ]
        )
    heads = [
        "layers",
        "number",
        "fail",
        "recall",
        "precision",
        "on CPU",
        "recall",
        "precision",
        "cycles within 5 %",
    ]
    table(heads, lines)
    say("\nWhere check and compiler part:\n")
    table(["kind", "layer", "check", "compiler", "signature"], missed)
    together = Count()
    for name, kind in kinds.items():
        strict = name in CONVS and target == "rk3588"
        if strict:
            _judge(name, kind.fails, DEMANDS["Conv on rk3588"])
        else:
            for key in ("both", "foreseen", "happened", "seen"):
                setattr(together, key, getattr(together, key) + getattr(kind.fails, key))
    _judge("the others" if target == "rk3588" else "all kinds", together, DEMANDS["others"])
    close = [pair for name in CONVS for pair in kinds[name].cycles]
    for place, what in enumerate(("DDR", "NPU")):
        share = sum(pair[place] for pair in close) / max(1, len(close))
        verdict(f"{what} cycles of Convs within 5 %", f"{share:.3f}", ">= 0.95", share >= 0.95)
    totals = [pair for name in CONVS for pair in kinds[name].totals]
    write(
        f"agreement-{target}" if seed == PUBLISHED else f"agreement-{target}-fresh",
        {"target": target, "seed": seed, "layers": number, "rows": lines, "missed": missed, "cycles": totals},
    )


def _judge(name: str, count: Count, demand: tuple[float, float]) -> None:
    recall, precision = demand
    verdict(f"failure recall, {name}", f"{count.recall:.3f}", f">= {recall}", count.recall >= recall)
    verdict(
        f"failure precision, {name}",
        f"{count.precision:.3f}",
        f">= {precision}",
        count.precision >= precision,
    )


def _short(layer: Layer) -> str:
    plain = {
        name: value for name, value in layer.attributes.items() if value not in (1, [1, 1], [0, 0, 0, 0])
    }
    weights = f", weights {list(layer.weights[0])}" if layer.weights else ""
    return f"{list(layer.shape)}{weights}, {plain}, {'int8' if layer.int8 else 'fp16'}"


if __name__ == "__main__":
    main()
