"""Reads what the process of a Trial left behind: its diary, its log and how it ended become a Verdict."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from rkmend.files import read_ends
from rkmend.toolkit.classify import ExitStatus, classify
from rkmend.toolkit.tolerance import Tolerance, disagreements, is_noise, loses_a_part, tolerance_for
from rkmend.toolkit.trial import Trial
from rkmend.toolkit.verdict import Outcome, OutputAgreement, Signature, Stage, Verdict
from rkmend.toolkit.worker import Ending

LOG_END = 8 << 20
"""Bytes at either end of a log that are read. What a large network prints is less than that."""


def read_log(path: Path) -> str:
    """What a Trial printed; of a log that no network accounts for, what stands at its ends."""
    return read_ends(path, LOG_END, LOG_END)


def read_verdict(trial: Trial, ending: Ending, folder: Path, started: float) -> Verdict:
    """Says what a Trial gave.

    Args:
        trial: What was asked.
        ending: How its process ended.
        folder: Where it ran: `diary.jsonl`, `log.txt`.
        started: When, by the monotonic clock that the diary uses.
    """
    diary = _Diary.read(folder / "diary.jsonl")
    log = folder / "log.txt"
    log.touch()
    outcome, signature, message, notes, report = classify(
        log=read_log(log),
        exit_status=ExitStatus(ending.code, ending.signal, ending.ended_by),
        stage=diary.stage,
        exception=diary.exception,
        returned=diary.returned,
    )
    if outcome is Outcome.CONVERTED:
        tolerance = tolerance_for(quantized=trial.options.quantize)
        wrong = disagreements(diary.agreement, tolerance)
        if wrong:
            outcome = Outcome.WRONG
            signature = Signature(Stage.SIMULATE, "wrong", "")
            message = _told(wrong, len(diary.agreement), tolerance)
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


def _told(wrong: Sequence[OutputAgreement], compared: int, tolerance: Tolerance) -> str:
    """What the simulator's numbers say, by the output and the sample where they are worst."""
    worst = min(wrong, key=lambda found: (found.shape_ok, found.finite, found.cosine))
    message = (
        f"{len(wrong)} of {compared} comparisons differ, most of all output {worst.output} "
        f"on sample {worst.sample}: "
    )
    if not worst.shape_ok:
        message += "another shape"
    elif not worst.finite:
        message += "NaN or infinities where there are none, or none where there are"
    else:
        message += (
            f"cosine {worst.cosine:.6f}, largest difference {worst.max_abs:.4g} "
            f"(largest value {worst.reference_max:.4g})"
        )
        if worst.noise:
            message += f"; {worst.noise.told} times what {tolerance.dtype} rounding alone does"
            if all(is_noise(found, tolerance) for found in wrong):
                message += (
                    f", {worst.noise.share:.0%} of the signal, so that no sample tells right from wrong"
                )
    if lost := [found for found in wrong if loses_a_part(found)]:
        message += (
            f"; nothing is left of a part that was joined to output {lost[0].output}, which has one range for "
            "all of it: give the parts as outputs of their own"
        )
    return message


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
        if not self.stage_at:
            return {}  # it was killed before it came to its first stage
        stops = [at for _, at in self.stage_at[1:]] + [end]
        return {
            name: round(stop - start, 3)
            for (name, start), stop in zip(self.stage_at, stops, strict=True)
            if name != Stage.DONE.value
        }
