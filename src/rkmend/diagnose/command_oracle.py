"""The oracle that asks any command: a candidate fails when the command says so, for whatever converter it runs."""

from __future__ import annotations

import hashlib
import itertools
import os
import re
import shlex
import shutil
import signal
from collections.abc import Sequence
from pathlib import Path

import msgspec

from rkmend.diagnose.budget import Budget
from rkmend.diagnose.command import Ended, run_command
from rkmend.diagnose.oracle import Candidate, Observation
from rkmend.diagnose.remembering import TIME_LIMIT, RememberingOracle
from rkmend.errors import InputError
from rkmend.files import atomic_write
from rkmend.graph import export
from rkmend.toolkit.lookahead import Lookahead, Stop
from rkmend.toolkit.trial import Limits

PLACE = "{}"
"""What stands for the candidate's path in a command."""
_LINES = 12
"""A message has no more lines than this; the log has them all."""


class CommandOracle(RememberingOracle):
    """Judges candidates by a command: exit status 0 is good.

    Without `fail_codes` and `fail_regex` every other end is a failure of its own: `exit 3`,
    `signal 11 (SIGSEGV)`, `time limit`. With either, only what is asked for is the failure, and another end
    is kept apart: see `is_wanted`.

    Args:
        command: As typed in a shell, but run without one; `{}` stands for the path of the candidate. It runs in
            an empty folder, as several run at once; arguments that name a file relative to the present folder,
            or anything by a path with a slash, are made absolute before.
        fail_regex: The failure is that the output matches one of these, whatever the exit status: the first that
            matches is its name. Of an output over 1 MB only head and tail are looked at.
        fail_codes: The failure is one of these exit statuses. With `fail_regex` both must hold.
        limits: Only the time is held; the memory of a command is its own affair.
        scratch: Folder of its own; keeps a log for each run, of at most 1 MB.
        budget: Charged for each run.
        memory: A file of JSON lines that remembers what was found, for a later run to go on from.
        parallel: How many commands may run at once.
        name: File name of the candidates.

    Raises:
        InputError: The command does not exist, cannot be executed or lacks `{}`, or a pattern is none.
    """

    def __init__(
        self,
        command: str,
        *,
        fail_regex: Sequence[str] = (),
        fail_codes: Sequence[int] = (),
        limits: Limits,
        scratch: Path,
        budget: Budget,
        memory: Path | None = None,
        parallel: int = 1,
        name: str = "model.onnx",
    ) -> None:
        super().__init__(Lookahead(parallel), limits, budget)
        self._command = _parsed(command)
        self._patterns = [_compiled(pattern) for pattern in fail_regex]
        self._codes = tuple(sorted(set(fail_codes)))
        self._scratch = scratch
        self._name = name
        self._numbers = itertools.count(1)
        question = (self._command, list(fail_regex), self._codes)
        self._memory = (
            _Memory(memory, hashlib.sha256(repr(question).encode()).hexdigest()) if memory else None
        )
        if self._memory:
            self._known.update(self._memory.read())
        scratch.mkdir(parents=True, exist_ok=True)

    def __enter__(self) -> CommandOracle:
        return self

    def __exit__(self, *_: object) -> None:
        self._lookahead.close()

    def is_wanted(self, failure: str | None) -> bool:
        """Whether a failure is what `fail_regex` and `fail_codes` ask for; without them, any failure is."""
        if self._patterns:
            return failure in {pattern.pattern for pattern in self._patterns}
        return failure is not None and (not self._codes or failure == self._code_failure())

    def judge(self, ended: Ended) -> tuple[str | None, str, str]:
        """Reads the end of a run.

        Returns:
            Failure, outcome and message of the Observation.
        """
        outcome = _outcome(ended.status)
        lines = [line.rstrip() for line in ended.output.splitlines() if line.strip()]
        last = "\n".join(lines[-_LINES:])
        coded = not self._codes or ended.status in self._codes
        if self._patterns:
            for pattern in self._patterns if coded else ():
                if pattern.search(ended.output):
                    shown = [line for line in lines if pattern.search(line)]
                    return pattern.pattern, outcome, "\n".join(shown[:_LINES]) or last
        elif coded and ended.status != 0:
            return self._code_failure() if self._codes else outcome, outcome, last
        if ended.status == 0:
            return None, outcome, last
        return f"another failure: {outcome}", outcome, last

    def _code_failure(self) -> str:
        return "exit " + " or ".join(map(str, self._codes))

    def _inquire(self, candidate: Candidate, digest: str, *, fresh: bool) -> _Run:
        folder = self._scratch / f"{next(self._numbers):05}"
        (folder / "work").mkdir(parents=True)
        model = folder / self._name
        export(candidate.model, model)
        command = [argument.replace(PLACE, str(model.absolute())) for argument in self._command]
        return _Run(self, command, folder, self.limits.seconds)

    def _remember(self, key: str, observation: Observation) -> None:
        super()._remember(key, observation)
        if self._memory:
            self._memory.add(key, observation)


class _Run:
    """One run of the command."""

    remembered = False

    def __init__(self, oracle: CommandOracle, command: list[str], folder: Path, seconds: float) -> None:
        self._oracle, self._command, self._folder, self._seconds = oracle, command, folder, seconds
        self._stop = Stop()
        self._observation: Observation | None = None

    def run(self) -> None:
        try:
            ended = run_command(self._command, self._folder / "work", self._seconds, self._stop)
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)
        log = self._folder.with_suffix(".log")
        atomic_write(log, ended.output.encode())
        failure, outcome, message = self._oracle.judge(ended)
        self._observation = Observation(
            failure, outcome, message, round(ended.seconds, 3), cached=False, record=log.name
        )

    def cancel(self) -> None:
        self._stop.set()
        if self._observation is None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def result(self) -> Observation:
        assert self._observation
        return self._observation


class _Line(msgspec.Struct, frozen=True):
    question: str
    digest: str
    observation: Observation


class _Memory:
    """What a command said, in a file that only grows: a crash costs the last line at most."""

    def __init__(self, path: Path, question: str) -> None:
        self._path, self._question = path, question

    def read(self) -> dict[str, Observation]:
        found = {}
        for text in self._path.read_bytes().splitlines() if self._path.exists() else ():
            try:
                line = msgspec.json.decode(text, type=_Line)
            except msgspec.MsgspecError:
                continue  # cut by a crash
            if line.question == self._question:
                # The log it names is not among those of this run.
                found[line.digest] = msgspec.structs.replace(line.observation, record="")
        return found

    def add(self, digest: str, observation: Observation) -> None:
        line = msgspec.json.encode(_Line(self._question, digest, observation))
        try:
            with self._path.open("ab") as file:
                file.write(b"\n" + line)  # at the end the line break would be missing after a crash
        except OSError as error:
            raise InputError(
                f"cannot write {self._path}: {error.strerror or error}",
                hint="Free some space on its disk, or choose a folder that can be written.",
            ) from error


def _parsed(command: str) -> list[str]:
    """Splits a command as a shell does, and makes it independent of the working directory."""
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise InputError(
            f"the check command cannot be read: {error}", hint="Quote it as for a shell."
        ) from error
    if not any(PLACE in word for word in words):
        raise InputError(
            f"the check command has no {PLACE}: {command}",
            hint=f"Put {PLACE} where the model's path belongs, for example --check 'python check.py {PLACE}'.",
        )
    program = shutil.which(words[0])
    if program is None:
        exists = os.access(words[0], os.F_OK)
        raise InputError(
            f"the check command {words[0]} " + ("cannot be executed" if exists else "does not exist"),
            hint=f"chmod +x {words[0]}, or name its interpreter."
            if exists
            else "Check its name and the PATH.",
        )
    return [str(Path(program).absolute()), *(_absolute(word) for word in words[1:])]


def _absolute(word: str) -> str:
    """A word that means a file as an absolute path. `tests` in `python -m tests` is a folder, and not meant."""
    exists = os.access(word, os.F_OK)  # False too for a whole script that is no file name
    return str(Path(word).absolute()) if exists and ("/" in word or Path(word).is_file()) else word


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern, re.MULTILINE)
    except re.error as error:
        raise InputError(
            f"'{pattern}' is no regular expression: {error}",
            hint="Escape ( ) [ ] . * + ? with a backslash if they are meant as they are.",
        ) from error


def _outcome(status: int | None) -> str:
    if status is None:
        return TIME_LIMIT
    if status >= 0:
        return f"exit {status}"
    try:
        return f"signal {-status} ({signal.Signals(-status).name})"
    except ValueError:
        return f"signal {-status}"
