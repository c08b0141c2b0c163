"""Trials: runs them on warm workers, remembers them, and keeps a record of each that was asked for."""

from __future__ import annotations

import contextlib
import re
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from rkmend.toolkit.cache import TrialCache
from rkmend.toolkit.classify import ExitStatus, classify
from rkmend.toolkit.environments import Toolkit
from rkmend.toolkit.log import LogReport, parse_log
from rkmend.toolkit.tolerance import disagreements, tolerance_for
from rkmend.toolkit.trial import Limits, Trial
from rkmend.toolkit.verdict import Outcome, OutputAgreement, Signature, Stage, Verdict
from rkmend.toolkit.worker import Ending, Worker


@dataclass(frozen=True)
class Done:
    """A Trial that was run or remembered.

    Attributes:
        trial: What was asked.
        verdict: What came of it.
        log: The toolkit's full output.
        rknn: The exported file; exists exactly when the verdict's outcome is `converted`, `wrong` or `unsound`.
    """

    trial: Trial
    verdict: Verdict
    log: Path
    rknn: Path

    def report(self) -> LogReport:
        """The log, read."""
        return parse_log(self.log.read_text(errors="replace"), pasted=False)


@dataclass
class Trials:
    """Runs trials one after another.

    Attributes:
        folder: Gets a subfolder per trial with `log.txt`, `trial.json` and the exported file.
        limits: Where each trial is ended.
        cache: None to neither read nor write the memory.
        watch: Called before a trial starts and with its verdict when it is done.
        done: Every trial so far, in order.
    """

    folder: Path
    limits: Limits = field(default_factory=Limits)
    cache: TrialCache | None = None
    watch: Callable[[Trial, Verdict | None], None] = lambda _trial, _verdict: None
    done: list[Done] = field(default_factory=list)
    _workers: dict[str, Worker] = field(default_factory=dict)

    def __enter__(self) -> Trials:
        return self

    def __exit__(self, *_: object) -> None:
        while self._workers:
            self._workers.popitem()[1].close()

    def warm(self, toolkit: Toolkit) -> Worker:
        """The worker of a toolkit, importing already."""
        worker = self._workers.get(toolkit.version)
        if worker is None:
            worker = self._workers[toolkit.version] = Worker(toolkit)
        worker.start()
        return worker

    def run(self, trial: Trial, *, fresh: bool = False) -> Done:
        """Runs one Trial, or remembers it.

        Args:
            trial: What to try.
            fresh: Run it even if it is remembered: a repetition is worth nothing from memory.

        Raises:
            EnvironmentFailure: The toolkit cannot be imported.
        """
        folder = self.folder / f"{len(self.done) + 1:02}-{_slug(trial.label)}"
        folder.mkdir(parents=True)
        log, rknn = folder / "log.txt", folder / "model.rknn"
        self.watch(trial, None)
        verdict = None
        if self.cache and not fresh:
            verdict = self.cache.get(trial.key, self.limits, log, rknn)
        if verdict is None:
            verdict = self._attempt(trial, folder, rknn)
            if self.cache and not fresh:
                self.cache.put(trial.key, verdict, log, rknn)
        self._record(trial, verdict, folder)
        self.done.append(Done(trial, verdict, log, rknn))
        self.watch(trial, verdict)
        return self.done[-1]

    def _attempt(self, trial: Trial, folder: Path, rknn: Path) -> Verdict:
        reference = trial.reference
        request: dict[str, Any] = {
            "folder": str(folder),
            "model": str(trial.model),
            "target": trial.target.name,
            "config": trial.options.config(),
            "quantize": trial.options.quantize,
            "dataset": str(trial.calibration.listing) if trial.calibration else None,
            "rknn": str(rknn),
            "samples": [
                {"name": sample.name, "inputs": str(sample.inputs), "outputs": str(sample.outputs)}
                for sample in (reference.samples if reference else ())
            ],
            "output_names": list(reference.output_names) if reference else [],
        }
        started = time.monotonic()
        ending = self.warm(trial.toolkit).run(request, self.limits)
        verdict = _verdict(trial, ending, folder, started)
        if verdict.outcome not in (Outcome.CONVERTED, Outcome.WRONG, Outcome.UNSOUND):
            rknn.unlink(missing_ok=True)
        shutil.rmtree(folder / "work", ignore_errors=True)
        (folder / "diary.jsonl").unlink(missing_ok=True)
        return verdict

    def _record(self, trial: Trial, verdict: Verdict, folder: Path) -> None:
        record = {
            "label": trial.label,
            "target": trial.target.name,
            "toolkit": trial.toolkit.version,
            "options": trial.options,
            "key": trial.key,
            "verdict": verdict,
        }
        (folder / "trial.json").write_bytes(msgspec.json.format(msgspec.json.encode(record), indent=1))


class _Diary(msgspec.Struct):
    """What a trial's process wrote down of itself."""

    stage: Stage = Stage.CONFIG
    stage_at: list[tuple[str, float]] = msgspec.field(default_factory=list)
    agreement: list[OutputAgreement] = msgspec.field(default_factory=list)
    returned: int | None = None
    exception: tuple[str, str] | None = None

    @classmethod
    def read(cls, path: Path) -> _Diary:
        diary = cls()
        lines = path.read_bytes().splitlines() if path.exists() else []
        for line in lines:
            with contextlib.suppress(msgspec.MsgspecError):  # the last line of a killed process may be cut
                event = msgspec.json.decode(line, type=dict[str, Any])
                if "stage" in event:
                    diary.stage = Stage(event["stage"])
                    diary.stage_at.append((event["stage"], event["at"]))
                elif "agreement" in event:
                    diary.agreement.append(msgspec.convert(event["agreement"], OutputAgreement))
                elif "exception" in event:
                    diary.exception = (event["exception"][0], event["exception"][1])
                elif "returned" in event:
                    diary.returned = event["returned"]
        return diary

    def seconds(self, end: float) -> dict[str, float]:
        stops = [at for _, at in self.stage_at[1:]] + [end]
        return {
            name: round(stop - start, 3)
            for (name, start), stop in zip(self.stage_at, stops, strict=True)
            if name != Stage.DONE.value
        }


def _verdict(trial: Trial, ending: Ending, folder: Path, started: float) -> Verdict:
    diary = _Diary.read(folder / "diary.jsonl")
    log = folder / "log.txt"
    log.touch()
    outcome, signature, message, notes, report = classify(
        log=log.read_text(errors="replace"),
        exit_status=ExitStatus(ending.code, ending.signal, ending.ended_by),
        stage=diary.stage,
        exception=diary.exception,
        returned=diary.returned,
    )
    if outcome is Outcome.CONVERTED:
        tolerance = tolerance_for(quantized=trial.options.quantize)
        wrong = disagreements(diary.agreement, tolerance)
        if wrong:
            worst = min(wrong, key=lambda found: found.cosine)
            outcome = Outcome.WRONG
            signature = Signature(Stage.SIMULATE, "wrong", "")
            message = (
                f"{len(wrong)} of {len(diary.agreement)} comparisons differ, most of all output {worst.output} "
                f"on sample {worst.sample}: cosine {worst.cosine:.6f}, "
                f"largest difference {worst.max_abs:.4g} (largest value {worst.reference_max:.4g})"
            )
    return Verdict(
        outcome=outcome,
        stage=diary.stage,
        signature=signature,
        message=message,
        layers=report.layers,
        memory_kb=report.memory_kb,
        agreement=tuple(diary.agreement),
        notes=notes,
        seconds=round(ending.seconds, 3),
        stage_seconds=diary.seconds(started + ending.seconds),
    )


def _slug(label: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", label.lower()).strip("-")[:48]
