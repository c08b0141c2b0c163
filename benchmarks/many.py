"""Converting many models in several processes, with warm workers; a run can be taken up again."""

from __future__ import annotations

import dataclasses
import json
import multiprocessing
import os
import tempfile
import time
import traceback
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from rkmend.conversion import Converter, Wishes
from rkmend.errors import RkmendError
from rkmend.graph import digest_ir, freeze, load, save
from rkmend.records import Conversion
from rkmend.targets import load_target
from rkmend.toolkit.cache import TrialCache
from rkmend.toolkit.calibration import load_calibration
from rkmend.toolkit.environments import ensure
from rkmend.toolkit.trial import Limits, Trial
from rkmend.toolkit.trials import Trials
from rkmend.toolkit.verdict import Outcome
from rkmend.toolkit.workers import Workers
from rkmend.verification.reference import make_reference

SECONDS = 900.0
"""Time limit of a trial, far above what the largest of these models takes: a loaded machine must not decide a row."""
TARGET = "rk3588"


@dataclass(frozen=True)
class Job:
    """A model to be converted.

    Attributes:
        name: Of the row.
        model: The file.
        wishes: For the conversion.
        target: Of it.
        toolkit: Of it.
        original: If given, the toolkit alone gets `model`, and its result is held against this one.
    """

    name: str
    model: Path
    wishes: Wishes = field(default_factory=Wishes)
    target: str = TARGET
    toolkit: str = "2.3.2"
    original: Path | None = None


def run(jobs: Iterable[Job], keep: Path, *, processes: int | None = None) -> dict[str, Any]:
    """Converts what has no row yet; rows are written as they come, one JSON line each.

    Args:
        jobs: In any number; names are unique.
        keep: The file of rows; delete it to begin anew.
        processes: As many as there are processors by default.

    Returns:
        Rows by name.
    """
    jobs = list(jobs)
    rows = _rows(keep)
    todo = [job for job in jobs if job.name not in rows]
    with (
        multiprocessing.get_context("spawn").Pool(processes or os.cpu_count()) as pool,
        keep.open("a") as file,
    ):
        for number, (name, row) in enumerate(pool.imap_unordered(_done, todo), 1):
            rows[name] = row
            file.write(json.dumps({"name": name, **row}) + "\n")
            file.flush()
            print(f"{number}/{len(todo)} {name}: {row['status']} {row['why'][:150]}", flush=True)
    return {job.name: rows[job.name] for job in jobs}


def names_in(keep: Path) -> set[str]:
    """Names of the rows that earlier runs have left."""
    return set(_rows(keep))


def right(row: dict[str, Any]) -> bool:
    """Whether a row has a file for the whole model that was verified."""
    return row["status"] in ("converted", "mended")


def _rows(keep: Path) -> dict[str, Any]:
    if not keep.exists():
        return {}
    rows = [json.loads(line) for line in keep.read_text().splitlines()]
    return {row.pop("name"): row for row in rows}


_converters: dict[tuple[str, str], Converter] = {}
"""Of this process: the toolkit is imported once."""
_workers = Workers(1)


def _done(job: Job) -> tuple[str, dict[str, Any]]:
    started = time.monotonic()
    row = _alone(job, job.original) if job.original else _convert(job)
    return job.name, {**row, "seconds": round(time.monotonic() - started, 1)}


def _alone(job: Job, original: Path) -> dict[str, Any]:
    toolkit, dataset = ensure(job.toolkit), job.wishes.quantize
    options = replace(job.wishes.options, quantize=bool(dataset))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        calibration, raw = None, list[Path]()
        try:
            model = freeze(load(job.model), job.wishes.inputs)
            given = freeze(load(original), job.wishes.inputs)
            if dataset:
                calibration, raw = load_calibration(Path(dataset), given.inputs, folder)
            reference = make_reference(given, options, folder / "samples", calibration=raw)
        except RkmendError as error:
            return {"status": "input error", "why": _told(error, job), "alone": ""}
        save(model.ir, folder / "model.onnx")
        trial = Trial(
            job.name, folder / "model.onnx", digest_ir(model.ir), load_target(job.target), toolkit, options,
            calibration, reference,
        )  # fmt: skip
        with Trials(folder / "trials", Limits(seconds=SECONDS), TrialCache(), workers=_workers) as trials:
            verdict = trials.run(trial).verdict
            if verdict.outcome is Outcome.WRONG and reference.measure:
                verdict = trials.run(
                    dataclasses.replace(trial, reference=reference.measure(options.quantize))
                ).verdict
    return {"status": "", "why": str(verdict.signature or ""), "alone": verdict.outcome.value}


def _told(error: RkmendError, job: Job) -> str:
    """A result says nothing of where it was measured."""
    return error.message.replace(f"{job.model.parent}/", "")


def _convert(job: Job) -> dict[str, Any]:
    key = (job.target, job.toolkit)
    if key not in _converters:
        _converters[key] = Converter(job.target, toolkit=job.toolkit, limits=Limits(seconds=SECONDS))
    with tempfile.TemporaryDirectory() as folder:
        try:
            result = _converters[key].convert(job.model, Path(folder) / "out", job.wishes)
        except RkmendError as error:
            findings = [error.rule] if error.rule else []
            row = {"status": "input error", "why": _told(error, job), "findings": findings}
        except Exception:  # a traceback is what nobody may see: it is a row of its own
            row = {"status": "traceback", "why": traceback.format_exc()[-2000:]}
        else:
            row = _facts(result)
    return row


def _facts(result: Conversion) -> dict[str, Any]:
    first, verdict = result.first_verdict, result.verdict
    return {
        "status": result.status.value,
        "why": result.reason,
        "alone": first.outcome.value if first else "",
        "alone_said": str(first.signature or "") if first else "",
        "mends": [f"{mend.code} {mend.name}" for mend in result.mends],
        "findings": sorted({f"{finding.code} {finding.name}" for finding in result.findings}),
        "exactness": sorted({mend.exactness.value for mend in result.mends}),
        "cosine": min((check.cosine for check in result.verification), default=None),
        "explained_by_rounding": [check.output for check in result.verification if check.explained_by],
        "outputs_ok": [check.ok for check in result.verification],
        "cpu_ops": len(verdict.cpu_ops) if verdict and verdict.converted else None,
        "cycles": verdict.cycles if verdict and verdict.converted else None,
        "cycles_alone": first.cycles if first and first.converted else None,
        "cpu_ops_alone": len(first.cpu_ops) if first and first.converted else None,
        "trials": len(result.trials),
        "notes": list(result.notes),
    }
