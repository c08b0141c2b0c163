"""The results folder: nothing half-written under a final name, nothing overwritten unasked."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from rkmend.errors import InputError
from rkmend.files import atomic_copy, atomic_write
from rkmend.graph import export
from rkmend.mend.choose import State
from rkmend.recipe import recipe_of, save_recipe
from rkmend.records import Conversion, TrialFacts
from rkmend.toolkit.trials import Done

if TYPE_CHECKING:
    import onnx_ir as ir

REPRO = "repro"
"""Folder of the reproducer, within the results."""
PAGE = "report.html"
"""Drawn from what is written here, afterwards (see `rkmend.report.page`); one of an earlier run goes away."""


@contextmanager
def results_folder(folder: Path, *, force: bool) -> Iterator[Path]:
    """Makes sure, before any work is spent, that results can be written; a folder that stays empty goes again.

    Raises:
        InputError: The folder holds something already and `force` is not given, or it cannot be written.
    """
    try:
        if folder.is_dir() and any(folder.iterdir()) and not force:
            raise InputError(
                f"the output folder {folder} is not empty",
                hint="Pass --force to replace the results in it, or choose another with --out DIR.",
            )
        new = not folder.exists()
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".rkmend-can-write"
        atomic_write(probe, b"")
        probe.unlink()
    except OSError as error:
        raise InputError(
            f"cannot write to the output folder {folder}: {error.strerror or error}",
            hint="Choose another with --out DIR.",
        ) from error
    try:
        yield folder
    finally:
        if new and not any(folder.iterdir()):
            folder.rmdir()


def deliver(
    folder: Path,
    stem: str,
    result: Conversion,
    final: State | None,
    trials: Sequence[Done],
    started: float,
    *,
    tail: ir.Model | None = None,
    unverified: Done | None = None,
) -> Conversion:
    """Writes everything a run gives, report.json last, so that a report always speaks of files that are there.

    Args:
        folder: Can be written; results of an earlier run in it are replaced.
        stem: Name of the model's file without its suffix.
        result: Completed here with `files`, `trials` and `seconds`.
        final: The State whose .rknn is delivered; None when the model is refused.
        trials: All of them; their logs go along, their exported files do not.
        started: `time.monotonic()` at the start of the run.
        tail: What is left for the CPU.
        unverified: A Trial whose file computes something else; the file goes with its log.

    Raises:
        InputError: The disk is full or the folder went away; what was written stays whole.
    """
    rknn, recipe, report = folder / f"{stem}.rknn", folder / f"{stem}.recipe.toml", folder / "report.json"
    parts = {kind: folder / f"{stem}.{kind}.onnx" for kind in ("mended", "head", "tail")}
    logs, repro = folder / "trials", folder / REPRO
    page = folder / PAGE
    for old in (rknn, recipe, report, page, *parts.values()):
        old.unlink(missing_ok=True)
        old.with_name(f"{old.name}.data").unlink(missing_ok=True)
    shutil.rmtree(logs, ignore_errors=True)
    shutil.rmtree(repro, ignore_errors=True)
    result.files = {"report": str(report)}
    if trials:
        result.files["trials"] = str(logs)
    for done in trials:
        (logs / done.log.parent.name).mkdir(parents=True)
        for name in ("log.txt", "trial.json"):
            atomic_copy(done.log.with_name(name), logs / done.log.parent.name / name)
    if final is not None:
        atomic_copy(final.done.rknn, rknn)
        result.files["rknn"] = str(rknn)
        models = {"head": final.model, "tail": tail} if tail else {"mended": final.model}
        if tail or any(step.mend.rewrite for step in final.steps):
            for kind, model in models.items():
                export(model, parts[kind])
                result.files[kind] = str(parts[kind])
        if final.steps and not tail:
            assert result.toolkit
            steps = [(step.finding, step.mend) for step in final.steps]
            save_recipe(recipe_of(steps, result.target, result.toolkit.version), recipe)
            result.files["recipe"] = str(recipe)
    elif unverified is not None:
        kept = logs / unverified.log.parent.name / "unverified.rknn"
        atomic_copy(unverified.rknn, kept)
        result.files["unverified"] = str(kept)
    result.trials = tuple(
        TrialFacts(
            done.trial.label,
            done.log.parent.name,
            done.verdict.outcome.value,
            done.verdict.seconds,
            done.verdict.signature,
            done.verdict.cached,
        )
        for done in trials
    )
    result.seconds = round(time.monotonic() - started, 3)
    write_report(result)
    return result


def write_report(result: Conversion) -> None:
    """Writes report.json where `files` says, whole or not at all."""
    atomic_write(Path(result.files["report"]), msgspec.json.format(msgspec.json.encode(result), indent=1))
