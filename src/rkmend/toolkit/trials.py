"""Trials: runs them on warm workers, remembers them, and keeps a record of each that was given out."""

from __future__ import annotations

import itertools
import re
import shutil
import time
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from rkmend.toolkit.cache import TrialCache
from rkmend.toolkit.diary import read_log, read_verdict
from rkmend.toolkit.environments import Toolkit
from rkmend.toolkit.log import LogReport, parse_log
from rkmend.toolkit.lookahead import Cancelled, Lookahead, Stop, usable_cpus
from rkmend.toolkit.trial import Limits, Trial
from rkmend.toolkit.verdict import Outcome, Verdict
from rkmend.toolkit.workers import Workers

MOST_WORKERS = 8
"""By default there are no more, however many processors: each holds 0.2 GB of imported toolkit."""


def default_parallel() -> int:
    """How many trials run at once unless somebody says otherwise."""
    return min(usable_cpus(), MOST_WORKERS)


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
        return parse_log(read_log(self.log), pasted=False)


@dataclass
class Trials:
    """Runs trials, several at once if asked to.

    Attributes:
        folder: Gets a subfolder per trial with `log.txt`, `trial.json` and the exported file.
        limits: Where each trial is ended. May be changed at any time, and holds for trials that start later.
        cache: None to neither read nor write the memory.
        watch: Called before a trial starts and with its verdict when it is given out, in the caller's thread.
        parallel: How many may run at once.
        done: Every trial that was given out so far, in order.
        workers: Lent by the caller, and still there afterwards; its own by default, and closed with it.
    """

    folder: Path
    limits: Limits = field(default_factory=Limits)
    cache: TrialCache | None = None
    watch: Callable[[Trial, Verdict | None], None] = lambda _trial, _verdict: None
    parallel: int = field(default_factory=default_parallel)
    done: list[Done] = field(default_factory=list)
    workers: Workers | None = None

    def __post_init__(self) -> None:
        self.lookahead = Lookahead(self.parallel)
        self._workers = self.workers or Workers(self.parallel)
        self._numbers = itertools.count(1)

    def __enter__(self) -> Trials:
        return self

    def __exit__(self, *_: object) -> None:
        self.lookahead.close()
        if self._workers is not self.workers:
            self._workers.close()

    def warm(self, toolkit: Toolkit) -> None:
        """Has a worker import a toolkit while the caller does something else."""
        self._workers.warm(toolkit)

    def run(self, trial: Trial, *, fresh: bool = False) -> Done:
        """Runs one Trial, or remembers it.

        Args:
            trial: What to try.
            fresh: Run it even if it is remembered: a repetition is worth nothing from memory.

        Raises:
            EnvironmentFailure: The toolkit cannot be imported.
        """
        return next(self.lookahead.results([self.attempt(trial, fresh=fresh)]))

    def observe(self, trials: Iterable[Trial]) -> Generator[Done, None, None]:
        """Runs trials, or remembers them, `parallel` at once, and gives what came of them in the order given.

        A trial is drawn when a worker is free. Closing the generator ends those that still run; what was not
        given out is not in `done`.

        Raises:
            EnvironmentFailure: The toolkit cannot be imported.
        """
        return self.lookahead.results(map(self.attempt, trials))

    def attempt(self, trial: Trial, *, fresh: bool = False, limits: Limits | None = None) -> Attempt:
        """One Trial as a job for `lookahead`, with limits of its own if given."""
        folder = self.folder / f"{next(self._numbers):02}-{_slug(trial.label)}"
        return Attempt(self, self._workers, trial, folder, fresh=fresh, limits=limits or self.limits)


class Attempt:
    """A Trial on its way. Made, and asked for its result, in the caller's thread; run in another.

    Attributes:
        remembered: Whether there is nothing to run.
    """

    def __init__(
        self, trials: Trials, workers: Workers, trial: Trial, folder: Path, *, fresh: bool, limits: Limits
    ) -> None:
        self._trials, self._workers = trials, workers
        self._trial, self._folder = trial, folder
        self._limits = limits
        self._cache = None if fresh else trials.cache
        self._stop = Stop()
        self._begun = False
        self._log, self._rknn = folder / "log.txt", folder / "model.rknn"
        folder.mkdir(parents=True)
        trials.watch(trial, None)
        self._verdict = (
            self._cache.get(trial.key, self._limits, self._log, self._rknn) if self._cache else None
        )
        self.remembered = self._verdict is not None

    def run(self) -> None:
        """Runs the Trial, unless it is remembered."""
        self._begun = True
        try:
            self._stop.check()
            if self._verdict is None:
                self._verdict = self._run()
                if self._cache:
                    self._cache.put(self._trial.key, self._verdict, self._log, self._rknn)
            self._record(self._verdict)
        except Cancelled:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise

    def cancel(self) -> None:
        """Ends the Trial if it still runs; it leaves nothing then, and is not remembered."""
        self._stop.set()
        if not self._begun:
            shutil.rmtree(self._folder, ignore_errors=True)

    def result(self) -> Done:
        """What came of it."""
        assert self._verdict
        done = Done(self._trial, self._verdict, self._log, self._rknn)
        self._trials.done.append(done)
        self._trials.watch(self._trial, self._verdict)
        return done

    def _run(self) -> Verdict:
        trial = self._trial
        request = trial.request(self._folder, self._rknn)
        with self._workers.borrow(trial.toolkit, self._stop) as worker:
            started = time.monotonic()
            ending = worker.run(request, self._limits, self._stop)
        verdict = read_verdict(trial, ending, self._folder, started)
        if verdict.outcome not in (Outcome.CONVERTED, Outcome.WRONG, Outcome.UNSOUND):
            self._rknn.unlink(missing_ok=True)
        shutil.rmtree(self._folder / "work", ignore_errors=True)
        (self._folder / "diary.jsonl").unlink(missing_ok=True)
        return verdict

    def _record(self, verdict: Verdict) -> None:
        record = {
            "label": self._trial.label,
            "target": self._trial.target.name,
            "toolkit": self._trial.toolkit.version,
            "options": self._trial.options,
            "key": self._trial.key,
            "verdict": verdict,
        }
        (self._folder / "trial.json").write_bytes(msgspec.json.format(msgspec.json.encode(record), indent=1))


def _slug(label: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", label.lower()).strip("-")[:48]
