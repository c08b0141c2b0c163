"""Afterwards: what is added to a conversion whose results are written already; where it fails they stay as they are."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from rkmend.culprits import LOCATED
from rkmend.delivery import results_folder, write_report
from rkmend.diagnose.budget import Budget
from rkmend.diagnose.reduction.checkpoint import Checkpoint
from rkmend.diagnose.trial_oracle import TrialOracle
from rkmend.errors import RkmendError
from rkmend.explanation import explain_on
from rkmend.graph import Model
from rkmend.layerwise import CHEAP, UNASKED_SECONDS, UNASKED_TRIALS, check_layers, delivered, numbers_within
from rkmend.pipeline import Pipeline
from rkmend.progress import Progress
from rkmend.records import Conversion
from rkmend.reduction import Watcher, question
from rkmend.setting import Setting
from rkmend.toolkit.options import BuildOptions
from rkmend.toolkit.trial import Limits
from rkmend.toolkit.trials import Done
from rkmend.toolkit.workers import Workers
from rkmend.workbench import Workbench


@dataclass(frozen=True)
class Afterwards:
    """Additions to one conversion.

    Attributes:
        result: Written again after each of them.
        given: The model as it was given.
        setting: Of the conversion's trials.
        limits: Of one trial.
        progress: Told what happens meanwhile.
    """

    result: Conversion
    given: Model
    setting: Setting
    limits: Limits
    progress: Progress

    def add_layers(self, done: Done, pipeline: Pipeline, workers: Workers, *, unasked: bool) -> None:
        """Adds the verification layer by layer.

        Args:
            done: The Trial of what was delivered, or kept as unverified.
            pipeline: That it comes from.
            workers: One of them does it.
            unasked: Nobody asked for it: it is left out, or ended, where it takes long.
        """
        limits, model = self.limits, delivered(done)
        if unasked:
            if (numbers := numbers_within(model)) > CHEAP:
                why = f"{numbers:,} numbers are within the network"
                self.result.notes += (f"The layers were not compared one by one: {why}; --layers does it.",)
                write_report(self.result)
                return
            seconds = UNASKED_SECONDS + UNASKED_TRIALS * done.verdict.seconds
            limits = replace(limits, seconds=min(limits.seconds, seconds))
        self.progress.step("comparing layer by layer; the results are written already")
        try:
            self.result.layerwise = check_layers(
                done,
                model,
                self.given.ir if pipeline.tail is None else None,
                pipeline.known_reference(done.trial.options),
                workers,
                self.setting.scratch / "layers",
                limits,
            )
        except (RkmendError, OSError) as error:
            why = error.message if isinstance(error, RkmendError) else str(error)
            self.result.notes += (f"The layers were not compared one by one: {why}.",)
        write_report(self.result)

    def add_explanation(self, options: BuildOptions, folder: Path, budget: Budget) -> None:
        """Adds reproducer and cause of the failure of the model as given, if it failed in a way that is worth the time.

        Args:
            options: That it failed with; int8 builds are left out.
            folder: Gets the reproducer.
            budget: How much may be spent.
        """
        result, setting = self.result, self.setting
        first = result.first_verdict
        if options.quantize or first is None or first.outcome not in LOCATED:
            return
        self.progress.step("explaining the failure; the results are written already")
        target, toolkit, trials, scratch = setting.target, setting.toolkit, setting.trials, setting.scratch
        trials.watch = lambda _trial, _verdict: None  # hundreds of them
        oracle = TrialOracle(trials, target, toolkit, options, scratch / "candidates", budget=budget)
        bench = Workbench(target, toolkit, options, trials.limits, trials, oracle, scratch)
        asked = question(self.given, target.name, None, options, toolkit.version)
        watcher = Watcher(self.progress, self.progress.explaining)
        with results_folder(folder, force=False):
            checkpoint = Checkpoint(folder, asked)
            try:
                result.cause = explain_on(bench, self.given, folder, checkpoint, budget, watcher).cause
            except RkmendError as error:  # the conversion is whole without it
                result.notes += (f"The failure was not explained: {error.message}.",)
                checkpoint.finish()
            else:
                result.files["repro"] = str(folder)
            finally:
                checkpoint.leave()
        write_report(result)
