"""Workbench: a model, a toolkit and an oracle over it, as reductions and explanations need them."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rkmend.diagnose.budget import Budget
from rkmend.diagnose.cause.surroundings import Surrounding
from rkmend.diagnose.localise import named_by_log
from rkmend.diagnose.oracle import Candidate, Observation
from rkmend.diagnose.reduction.baseline import Baseline
from rkmend.diagnose.trial_oracle import TrialOracle
from rkmend.errors import InputError
from rkmend.paths import scratch_dir
from rkmend.targets import Target, load_target
from rkmend.toolkit.cache import TrialCache
from rkmend.toolkit.diary import read_log
from rkmend.toolkit.environments import DEFAULT_VERSION, Toolkit, ensure
from rkmend.toolkit.log import parse_log
from rkmend.toolkit.lookahead import usable_cpus
from rkmend.toolkit.options import BuildOptions
from rkmend.toolkit.trial import Limits, Trial
from rkmend.toolkit.trials import MOST_WORKERS, Trials
from rkmend.toolkit.verdict import Verdict
from rkmend.toolkit.workers import Workers
from rkmend.verification.reference import candidate_calibration, candidate_reference

if TYPE_CHECKING:
    import onnx_ir as ir

    from rkmend.progress import Progress

AS_GIVEN = "the model as given"


@dataclass
class Workbench:
    """A toolkit that judges models.

    Attributes:
        oracle: Judges candidates.
        scratch: Gone with the workbench.
    """

    target: Target
    toolkit: Toolkit
    options: BuildOptions
    limits: Limits
    trials: Trials
    oracle: TrialOracle
    scratch: Path

    @property
    def name(self) -> str:
        """In the words of the report."""
        return f"RKNN-Toolkit2 {self.toolkit.version} for {self.target.name}"

    def baseline(self, model: ir.Model) -> Baseline:
        """Runs the model as given. If it converts, what it computes is looked at as well, here and from now on.

        Raises:
            NoFailure: It does not fail.
        """
        candidate = Candidate(model, AS_GIVEN)
        first = self.oracle.ask(candidate)
        if first.failure is None:
            self.oracle.reference_for = candidate_reference
            first = self.oracle.ask(candidate)
        return Baseline.measure(self.oracle, candidate, first)

    def log_of(self, observation: Observation) -> Path:
        """The toolkit's log of a run."""
        return self.trials.folder / observation.record / "log.txt"

    def drop_logs(self) -> None:
        """Removes what is left on the disk of the trials so far: from then on `log_of` knows later ones only."""
        for done in self.trials.done:
            shutil.rmtree(done.log.parent, ignore_errors=True)
        self.trials.done.clear()

    def suspects(self, model: ir.Model, observation: Observation) -> tuple[str, ...]:
        """The nodes that the log of a run blames."""
        return named_by_log(model, parse_log(read_log(self.log_of(observation)), pasted=False))

    def oracle_in(self, other: Surrounding, stack: ExitStack) -> TrialOracle:
        """An oracle for models in other surroundings, on the same budget.

        Args:
            other: The surroundings.
            stack: Ends what had to be started.
        """
        folder = Path(tempfile.mkdtemp(prefix="other-", dir=self.scratch))
        trials = self.trials
        if other.cold:
            trials = stack.enter_context(Trials(folder / "trials", self.limits, parallel=1))
        return TrialOracle(
            trials,
            other.target,
            other.toolkit,
            other.options,
            folder / "candidates",
            calibration_for=candidate_calibration if other.quantize else None,
            budget=self.oracle.budget,
        )


@contextmanager
def workbench(
    *,
    target: str,
    options: BuildOptions | None,
    toolkit: str | None,
    limits: Limits | None,
    budget: Budget,
    cache: bool,
    progress: Progress,
    jobs: int | None = None,
    workers: Workers | None = None,
) -> Iterator[Workbench]:
    """Sets up a toolkit and workers, unless these are lent, and takes everything down again.

    Raises:
        InputError: No such target, or one that runs int8 models only.
        EnvironmentFailure: The toolkit environment cannot be made.
    """
    soc = load_target(target)
    if "fp16" not in soc.dtypes:
        raise InputError(
            f"{soc.name} has no fp16 arithmetic, and reductions are made of fp16 builds",
            hint="Reduce for a target that runs fp16, or pass --check with a command that converts to int8.",
        )
    environment = ensure(toolkit or DEFAULT_VERSION, progress=progress.install)
    options, limits = options or BuildOptions(), limits or Limits()

    def watch(trial: Trial, verdict: Verdict | None) -> None:
        if verdict is not None:
            trials.done[-1].rknn.unlink(missing_ok=True)  # nobody wants them, and they are large
        progress.trial(trial, verdict)

    with scratch_dir() as scratch:
        remembered = TrialCache() if cache else None
        parallel = jobs or min(usable_cpus(), MOST_WORKERS)
        with Trials(scratch / "trials", limits, remembered, watch, parallel, workers=workers) as trials:
            trials.warm(environment)
            oracle = TrialOracle(trials, soc, environment, options, scratch / "candidates", budget=budget)
            yield Workbench(soc, environment, options, limits, trials, oracle, scratch)
