"""How a Trial ended, from its exit status, what Python saw, and the log: an Outcome and a Signature."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from typing import Literal

from rkmend.toolkit.inside.repetition import circle_in
from rkmend.toolkit.log import LogReport, parse_log
from rkmend.toolkit.log_exception import LogException, find_exception
from rkmend.toolkit.log_normal import normalise
from rkmend.toolkit.verdict import Outcome, Signature, Stage

__all__ = ["ENDLESS", "EndedBy", "ExitStatus", "classify", "normalise"]

EndedBy = Literal["itself", "time limit", "repetition", "log limit", "memory limit", "outside"]

ENDLESS = "endless"
"""Kind of the Signature of a Trial that hung because the toolkit's graph rules undo one another; the message lists
them."""

_CRASHES = (signal.SIGABRT, signal.SIGSEGV, signal.SIGFPE, signal.SIGBUS, signal.SIGILL)
_LINES = 12
"""A message has no more lines than this; the log has them all."""


@dataclass(frozen=True)
class ExitStatus:
    """How the process of a Trial ended.

    Attributes:
        code: Exit code; None when a signal ended it.
        signal: Signal number, or None.
        ended_by: Who ended it; `outside` is neither the trial nor its limits.
    """

    code: int | None
    signal: int | None
    ended_by: EndedBy


def classify(
    *,
    log: str,
    exit_status: ExitStatus,
    stage: Stage,
    exception: tuple[str, str] | None,
    returned: int | None,
) -> tuple[Outcome, Signature | None, str, tuple[str, ...], LogReport]:
    """Says what a Trial gave, as far as it went without a comparison of numbers.

    Args:
        log: All that the trial printed.
        exit_status: Of the trial's process.
        stage: The last stage that was begun.
        exception: Class name and message of the exception that ended the trial.
        returned: Return value of the last toolkit call; None when the process did not live to tell.

    Returns:
        Outcome; Signature (None exactly when converted); the decisive lines as printed; log lines that look
        like errors and are not, explained; the log, read.
    """
    report = parse_log(log, pasted=False)
    raised = _innermost(exception, report) if exception else None
    outcome = _outcome(exit_status, raised, returned, log, report)
    if exit_status.ended_by == "repetition":
        rules = ", ".join(circle_in(log.encode()))
        signature: Signature | None = Signature(stage, ENDLESS, rules)
        message = f"the toolkit's own graph rules undo one another for ever: {rules}"
    else:
        signature, message = _account(outcome, exit_status, stage, raised, returned, report)
    return outcome, signature, message, _notes(report), report


def _outcome(
    status: ExitStatus, raised: LogException | None, returned: int | None, log: str, report: LogReport
) -> Outcome:
    if status.ended_by in ("time limit", "repetition", "log limit"):
        return Outcome.HUNG
    if status.ended_by == "memory limit":
        return Outcome.EXHAUSTED
    if status.ended_by == "outside" or (status.signal and status.signal not in _CRASHES):
        return Outcome.KILLED
    if status.signal:
        return Outcome.EXHAUSTED if "std::bad_alloc" in log else Outcome.ABORTED
    if raised:
        out_of_memory = raised.kind.endswith("MemoryError") or "bad_alloc" in raised.message
        return Outcome.EXHAUSTED if out_of_memory else Outcome.REJECTED
    if status.code or returned != 0:
        return Outcome.REJECTED
    return Outcome.UNSOUND if any(kind.on_board for kind in report.classes) else Outcome.CONVERTED


def _account(
    outcome: Outcome,
    status: ExitStatus,
    stage: Stage,
    raised: LogException | None,
    returned: int | None,
    report: LogReport,
) -> tuple[Signature | None, str]:
    """Signature and message of an Outcome."""
    where = f"in {report.unfinished_pass}" if report.unfinished_pass else ""
    if outcome is Outcome.CONVERTED:
        return None, ""
    if outcome is Outcome.UNSOUND:
        # The compiler logs these in the build; how far the trial went after it makes no other failure of it.
        offset = report.regtasks[0].offset if report.regtasks else None
        return Signature(Stage.BUILD, "REGTASK", f"offset {offset:#x}" if offset else ""), _printed(report)
    if outcome is Outcome.HUNG:
        still = where or f"in the {stage.value} stage"
        what = "log" if status.ended_by == "log limit" else "time"
        return Signature(stage, "hung", where), f"still {still} when the {what} limit passed"
    if outcome is Outcome.EXHAUSTED:
        return Signature(stage, "exhausted", ""), raised.message if raised else "the memory did not suffice"
    if outcome is Outcome.KILLED:
        name = _signal_name(status.signal)
        return Signature(stage, name, ""), f"{name} from outside, which says nothing about the model"
    if raised:
        return Signature(stage, raised.kind, _raised_message(raised)), f"{raised.kind}: {raised.message}"
    if status.signal:
        name = _signal_name(status.signal)
        silent = f"{name} {where}".strip() + ", without a message"
        return Signature(stage, name, _crash_words(report) or where), _printed(report) or silent
    kind = f"returned {returned}" if returned else f"exit {status.code}"
    return Signature(stage, kind, _last_words(report)), _printed(report) or f"{kind}, without a message"


def _signal_name(number: int | None) -> str:
    try:
        return signal.Signals(number or signal.SIGKILL).name
    except ValueError:
        return f"signal {number}"


def _innermost(exception: tuple[str, str], report: LogReport) -> LogException:
    """The exception that came first: the toolkit raises a `ValueError` with its traceback as message."""
    kind, message = exception
    inner = find_exception(message.split("\n")) if message.startswith("Traceback") else None
    inner = inner or LogException(kind=kind, message=message.strip())
    shown = report.exception
    if shown and (shown.kind, _first_line(shown.message)) == (inner.kind, _first_line(inner.message)):
        return shown  # the log also tells where, and which rule was at work
    return inner


def _first_line(message: str) -> str:
    return message.strip().partition("\n")[0].strip()


def _raised_message(raised: LogException) -> str:
    """The first line; where it came from, too, unless the toolkit used words of its own."""
    first = normalise(_first_line(raised.message))
    place = f"rule {raised.rule}" if raised.rule else raised.where
    return f"{first} (in {place})" if place else first


def _crash_words(report: LogReport) -> str:
    """What the native code said before it died, if anything."""
    for failure in report.config_failures:
        if failure.fatal:
            return "Failed to config layer" + (f": {failure.reason}" if failure.reason else "")
    return _last_words(report)


def _last_words(report: LogReport) -> str:
    """The last error line that is neither harmless nor about the board."""
    no_crash = {seen.line for seen in report.sightings if seen.kind.harmless or seen.kind.on_board}
    last = [error for error in report.errors if error.raw not in no_crash]
    return last[-1].normalised if last else ""


def _printed(report: LogReport) -> str:
    """The error lines, as printed; alike ones once."""
    return "\n".join(error.raw for error in report.errors[:_LINES])


def _notes(report: LogReport) -> tuple[str, ...]:
    return tuple(
        f"{seen.line} ({seen.count} {'line' if seen.count == 1 else 'lines'}): {seen.kind.meaning}"
        for seen in report.sightings
        if seen.kind.alarming
    )
