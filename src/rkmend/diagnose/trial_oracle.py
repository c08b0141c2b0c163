"""The oracle that asks the toolkit: a candidate fails when its Trial does, and alike when the Signature is the same."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from rkmend.diagnose.budget import Budget
from rkmend.diagnose.oracle import Candidate, Observation
from rkmend.diagnose.remembering import RememberingOracle
from rkmend.errors import EnvironmentFailure
from rkmend.graph import save
from rkmend.targets import Target
from rkmend.toolkit.environments import Toolkit
from rkmend.toolkit.options import BuildOptions
from rkmend.toolkit.trial import Calibration, Limits, Reference, Trial
from rkmend.toolkit.trials import Done, Trials
from rkmend.toolkit.verdict import Outcome

if TYPE_CHECKING:
    import onnx_ir as ir

ReferenceFor = Callable[["ir.Model", Path], "Reference | None"]
"""From a candidate and the file it was saved to, to what it computes; the samples go into a folder with the name of
the file without its suffix. None when that cannot be computed: then a candidate cannot be found `wrong`."""
CalibrationFor = Callable[["ir.Model", Path], Calibration]
"""From a candidate and the file it was saved to, to the data for its int8 build, in the same folder: a candidate has
inputs of its own."""


class TrialOracle(RememberingOracle):
    """Judges candidates by Trials on warm workers.

    Args:
        trials: Its limits are those of the user, and may be changed by `adapt`.
        target: What to convert for.
        toolkit: With which version.
        options: The same for all candidates.
        scratch: Folder of its own for the candidates' files, each gone when its Trial is.
        calibration_for: For int8 builds.
        reference_for: For failures that the simulator shows. May be set later: what was found without it is
            then asked again.
        budget: Charged for each Trial that is not remembered.
    """

    def __init__(
        self,
        trials: Trials,
        target: Target,
        toolkit: Toolkit,
        options: BuildOptions,
        scratch: Path,
        *,
        calibration_for: CalibrationFor | None = None,
        reference_for: ReferenceFor | None = None,
        budget: Budget,
    ) -> None:
        super().__init__(trials.lookahead, trials.limits, budget)
        self._trials = trials
        self._target, self._toolkit, self._options = target, toolkit, options
        self._scratch = scratch
        self._calibration_for = calibration_for
        self.reference_for = reference_for
        self._numbers = itertools.count(1)
        scratch.mkdir(parents=True, exist_ok=True)

    def _key(self, digest: str) -> str:
        return f"{digest} verified" if self.reference_for else digest

    def _inquire(self, candidate: Candidate, digest: str, *, fresh: bool) -> _Inquiry:
        path = self._scratch / f"{next(self._numbers):05}.onnx"
        save(candidate.model, path)
        reference = self.reference_for(candidate.model, path) if self.reference_for else None
        calibration = self._calibration_for(candidate.model, path) if self._calibration_for else None
        trial = Trial(
            candidate.label,
            path,
            digest,
            self._target,
            self._toolkit,
            self._options,
            calibration,
            reference,
        )
        return _Inquiry(self._trials, trial, self.limits, fresh=fresh)


def observation_of(done: Done) -> Observation:
    """A Trial in the words of the reducer."""
    verdict = done.verdict
    return Observation(
        failure=str(verdict.signature) if verdict.signature else None,
        outcome=verdict.outcome.value,
        message=verdict.message,
        seconds=verdict.seconds,
        cached=verdict.cached,
        record=done.log.parent.name,
        cycles=verdict.cycles if verdict.converted else None,
    )


class _Inquiry:
    def __init__(self, trials: Trials, trial: Trial, limits: Limits, *, fresh: bool) -> None:
        self._trials, self._trial = trials, trial
        self._attempt = trials.attempt(trial, fresh=fresh, limits=limits)
        self.remembered = self._attempt.remembered

    def run(self) -> None:
        self._attempt.run()

    def cancel(self) -> None:
        self._attempt.cancel()
        self._clear()

    def result(self) -> Observation:
        done = self._attempt.result()
        if done.verdict.outcome is Outcome.KILLED:
            done = self._trials.run(self._trial, fresh=True)
        self._clear()
        verdict = done.verdict
        if verdict.outcome is Outcome.KILLED:
            raise EnvironmentFailure(
                f"the trial '{self._trial.label}' was killed from outside, twice: {verdict.message}",
                hint="It is no fault of the model. Usually the machine has run out of memory: close other programs, "
                "or run fewer trials at once.",
            )
        return observation_of(done)

    def _clear(self) -> None:
        self._trial.model.unlink(missing_ok=True)
        shutil.rmtree(self._trial.model.with_suffix(""), ignore_errors=True)
