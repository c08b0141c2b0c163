"""`convert`: from an ONNX model to a verified .rknn, or to the plain reason why there is none."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

import msgspec

from rkmend._version import __version__
from rkmend.delivery import REPRO, deliver, results_folder, write_report
from rkmend.diagnose.budget import Budget
from rkmend.diagnose.reduction.checkpoint import Checkpoint
from rkmend.diagnose.trial_oracle import TrialOracle
from rkmend.errors import EnvironmentFailure, InputError, RkmendError
from rkmend.explanation import explain_on
from rkmend.graph import Model, freeze, load
from rkmend.paths import scratch_dir
from rkmend.pipeline import LOCATED, Pipeline, Progress
from rkmend.records import Conversion, ModelFacts, Status, ToolkitFacts
from rkmend.reduction import Watcher, question
from rkmend.rules import Exactness
from rkmend.targets import Target, load_target
from rkmend.toolkit.cache import TrialCache
from rkmend.toolkit.calibration import load_calibration
from rkmend.toolkit.environments import DEFAULT_VERSION, ensure
from rkmend.toolkit.options import BuildOptions
from rkmend.toolkit.trial import Limits
from rkmend.toolkit.trials import Trials
from rkmend.verification.reference import make_reference
from rkmend.workbench import Workbench

VERIFIED_CALIBRATION = 3
"""Calibration samples that an int8 build is verified on: as many as the generated ones of an fp16 build."""


def convert(
    model: str | Path,
    *,
    target: str,
    out: str | Path | None = None,
    inputs: Mapping[str, tuple[int, ...]] | None = None,
    options: BuildOptions | None = None,
    quantize: str | Path | None = None,
    samples: str | Path | None = None,
    toolkit: str | None = None,
    exactness: Exactness = Exactness.ROUNDING,
    limits: Limits | None = None,
    seed: int = 0,
    cache: bool = True,
    force: bool = False,
    explain: Budget | None = None,
    progress: Progress | None = None,
) -> Conversion:
    """Converts a model, mending it where the toolkit fails.

    Args:
        model: An ONNX file; external data beside it.
        target: `rk3588`, `rk3576`, ...
        out: Folder for the results; `<stem>.rkmend` beside the model by default.
        inputs: Static shapes for dynamic inputs, by name; `()` for a scalar.
        options: The toolkit's build options.
        quantize: Calibration data; makes an int8 model.
        samples: An .npz of the user's own inputs to verify on.
        toolkit: Version of RKNN-Toolkit2.
        exactness: The least exact kind of mend that may be applied.
        limits: Per trial.
        seed: Of the random verification inputs.
        cache: Remember trials and use what is remembered.
        force: Replace results of an earlier run in `out`.
        explain: How much may be spent, once the results are written, on a reproducer and the cause of a failure;
            None leaves them out. Hangs, wrong results and int8 builds are for `rkmend.explanation`.
        progress: Told what happens meanwhile.

    Returns:
        The same content as `report.json`, which is written to `out` whatever the status.

    Raises:
        InputError: The model or an argument cannot be used; nothing was written.
    """
    started = time.monotonic()
    progress = progress or Progress()
    options = options or BuildOptions()
    soc = load_target(target)
    options = _quantisation(options, soc, quantize)
    path = Path(model)
    folder = Path(out) if out else path.with_name(f"{path.stem}.rkmend")
    with scratch_dir() as scratch, results_folder(folder, force=force):
        progress.step("reading the model")
        given = freeze(load(path), dict(inputs or {}))
        result = Conversion(
            rkmend=__version__,
            model=_facts(given, path),
            target=soc.name,
            toolkit=None,
            options=options,
            status=Status.REFUSED,
            reason="",
            first_verdict=None,
            verdict=None,
        )
        try:
            environment = ensure(toolkit or DEFAULT_VERSION, progress=progress.install)
        except EnvironmentFailure as error:
            result.status, result.reason = Status.ENVIRONMENT, str(error)
            return deliver(folder, path.stem, result, None, [], started)
        result.toolkit = ToolkitFacts(environment.version, environment.fingerprint)
        remembered = TrialCache() if cache else None
        with Trials(scratch / "trials", limits or Limits(), remembered, progress.trial) as trials:
            trials.warm(environment)  # imports the toolkit while ONNX Runtime runs the model
            calibration, raw = (
                load_calibration(Path(quantize), given.inputs, scratch) if quantize else (None, [])
            )
            progress.step("running the model with ONNX Runtime")
            reference = make_reference(
                given,
                options,
                scratch / "samples",
                seed=seed,
                user=Path(samples) if samples else None,
                calibration=raw[:VERIFIED_CALIBRATION],
            )
            pipeline = Pipeline(
                soc, environment, scratch, trials, calibration, reference, exactness, progress, result
            )
            final = pipeline.run(given.ir, options)
            deliver(folder, path.stem, result, final, trials.done, started)
            if explain is not None and not options.quantize and _is_explained(result):
                progress.step("explaining the failure; the results are written already")
                _explain(result, given, options, folder / REPRO, pipeline, explain)
            return result


def _is_explained(result: Conversion) -> bool:
    """Whether the model as given failed in a way that an explanation within a conversion is worth its time."""
    first = result.first_verdict
    return first is not None and first.outcome in LOCATED


def _explain(
    result: Conversion, given: Model, options: BuildOptions, folder: Path, pipeline: Pipeline, budget: Budget
) -> None:
    """Adds reproducer and cause to a conversion that is delivered already."""
    trials, limits = pipeline.trials, pipeline.trials.limits
    trials.watch = lambda _trial, _verdict: None  # hundreds of them
    oracle = TrialOracle(
        trials, pipeline.target, pipeline.toolkit, options, pipeline.scratch / "candidates", budget=budget
    )
    bench = Workbench(pipeline.target, pipeline.toolkit, options, limits, trials, oracle, pipeline.scratch)
    asked = question(given, pipeline.target.name, None, options, pipeline.toolkit.version)
    with results_folder(folder, force=False):
        checkpoint = Checkpoint(folder, asked)
        try:
            result.cause = explain_on(bench, given, folder, checkpoint, budget, Watcher()).cause
        except RkmendError as error:  # the conversion is whole without it
            result.notes += (f"The failure was not explained: {error.message}.",)
            checkpoint.finish()
        else:
            result.files["repro"] = str(folder)
        finally:
            checkpoint.leave()
    write_report(result)


def _quantisation(options: BuildOptions, target: Target, dataset: str | Path | None) -> BuildOptions:
    if dataset is None and "fp16" not in target.dtypes:
        raise InputError(
            f"{target.name} has no fp16 arithmetic: it runs int8 models only",
            hint="Pass --quantize DATASET: a folder of representative inputs (.npy, .npz or images).",
        )
    if dataset is not None and "int8" not in target.dtypes:
        raise InputError(f"the compiler takes no int8 models for {target.name}", hint="Leave --quantize out.")
    return msgspec.structs.replace(options, quantize=dataset is not None)


def _facts(model: Model, path: Path) -> ModelFacts:
    return ModelFacts(
        str(path), model.sha256, model.inputs, model.outputs, model.opset, len(list(model.ir.graph))
    )
