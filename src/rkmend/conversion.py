"""`convert`: from an ONNX model to a verified .rknn, or to the plain reason why there is none."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from rkmend._version import __version__
from rkmend.afterwards import Afterwards
from rkmend.delivery import REPRO, deliver, results_folder
from rkmend.diagnose.budget import Budget
from rkmend.errors import EnvironmentFailure, InputError
from rkmend.graph import Model, TensorSpec, freeze, load, modernised, save, specialise
from rkmend.other_versions import other_versions
from rkmend.paths import scratch_dir
from rkmend.pipeline import Pipeline
from rkmend.progress import Progress
from rkmend.recipe import load_recipe
from rkmend.records import Conversion, ModelFacts, Status, ToolkitFacts
from rkmend.rules import Exactness, Rule
from rkmend.rules.selection import Selection
from rkmend.setting import Setting
from rkmend.targets import Target, load_target
from rkmend.toolkit.cache import TrialCache
from rkmend.toolkit.calibration import load_calibration
from rkmend.toolkit.environments import DEFAULT_VERSION, ensure
from rkmend.toolkit.options import BuildOptions
from rkmend.toolkit.trial import Limits, Reference
from rkmend.toolkit.trials import Trials, default_parallel
from rkmend.toolkit.workers import Workers
from rkmend.verification.reference import make_reference

if TYPE_CHECKING:
    import numpy as np
    import onnx_ir as ir


@dataclass(frozen=True)
class Wishes:
    """What is asked of one conversion, besides model, target and toolkit.

    Attributes:
        inputs: Static shapes for dynamic inputs, by name; `()` for a scalar.
        constants: Inputs that become constants of the model, by name.
        options: The toolkit's build options.
        quantize: Calibration data; makes an int8 model.
        samples: An .npz of the user's own inputs to verify on.
        exactness: The least exact kind of mend that may be applied.
        rules: Which rules take part.
        recipe: A file with the mends to apply, instead of a search.
        seed: Of the random verification inputs.
        force: Replace results of an earlier run in the folder.
        explain: How much may be spent, once the results are written, on a reproducer and the cause of a failure;
            None leaves them out. Hangs, wrong results and int8 builds are for `rkmend.explanation`.
        layers: Compare the tensors within the network as well, once the results are written; None: if that is cheap.
    """

    inputs: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    constants: Mapping[str, np.ndarray[Any, np.dtype[Any]]] = field(default_factory=dict)
    options: BuildOptions = field(default_factory=BuildOptions)
    quantize: str | Path | None = None
    samples: str | Path | None = None
    exactness: Exactness = Exactness.ROUNDING
    rules: Selection = field(default_factory=Selection)
    recipe: str | Path | None = None
    seed: int = 0
    force: bool = False
    explain: Budget | None = None
    layers: bool | None = False


class Converter:
    """Converts models one after the other on the same warm workers.

    Args:
        target: `rk3588`, `rk3576`, ...
        toolkit: Version of RKNN-Toolkit2.
        limits: Per trial.
        cache: Remember trials and use what is remembered.
        progress: Told what happens meanwhile.
        workers: Lent by the caller, and still there afterwards; its own by default, and closed with it.
    """

    def __init__(
        self,
        target: str,
        *,
        toolkit: str | None = None,
        limits: Limits | None = None,
        cache: bool = True,
        progress: Progress | None = None,
        workers: Workers | None = None,
    ) -> None:
        self._target = load_target(target)
        self._version = toolkit or DEFAULT_VERSION
        self._limits = limits or Limits()
        self._cache = TrialCache() if cache else None
        self._progress = progress or Progress()
        self._lent = workers
        self._workers = workers or Workers(default_parallel())

    def __enter__(self) -> Converter:
        return self

    def __exit__(self, *_: object) -> None:
        if self._workers is not self._lent:
            self._workers.close()

    def convert(
        self, model: str | Path, out: str | Path | None = None, wishes: Wishes | None = None
    ) -> Conversion:
        """Converts a model, mending it where the toolkit fails.

        Args:
            model: An ONNX file; external data beside it.
            out: Folder for the results; `<stem>.rkmend` beside the model by default.
            wishes: What else is asked.

        Returns:
            The same content as `report.json`, which is written to `out` whatever the status.

        Raises:
            InputError: The model or a wish cannot be fulfilled; nothing was written.
        """
        started = time.monotonic()
        wishes = wishes or Wishes()
        options = _quantisation(wishes.options, self._target, wishes.quantize)
        rules = wishes.rules.rules()
        recipe = load_recipe(Path(wishes.recipe)) if wishes.recipe else None
        path = Path(model)
        folder = Path(out) if out else path.with_name(f"{path.stem}.rkmend")
        with scratch_dir() as scratch, results_folder(folder, force=wishes.force):
            self._progress.step("reading the model")
            given, constants = _read(path, wishes, scratch)
            result = _begun(given, path, constants, self._target, options)
            try:
                environment = ensure(self._version, progress=self._progress.install)
            except EnvironmentFailure as error:
                result.status, result.reason = Status.ENVIRONMENT, str(error)
                return deliver(folder, path.stem, result, None, [], started)
            result.toolkit = ToolkitFacts(environment.version, environment.fingerprint)
            self._workers.warm(environment)  # imports the toolkit while ONNX Runtime runs the model
            with self._trials(scratch) as trials:
                calibration, raw = None, list[Path]()
                if wishes.quantize:
                    calibration, raw = load_calibration(Path(wishes.quantize), given.inputs, scratch)
                setting = Setting(self._target, environment, trials, scratch, calibration)
                pipeline = self._pipeline(setting, rules, given, raw, wishes, result)
                run = partial(pipeline.replay, recipe=recipe) if recipe else pipeline.run
                final = run(given.ir, options)
                if final is None and recipe is None:
                    result.notes += tuple(other_versions(trials, self._progress.step))
                tail, unverified = pipeline.tail, pipeline.unverified
                deliver(
                    folder, path.stem, result, final, trials.done, started, tail=tail, unverified=unverified
                )
                after = Afterwards(result, given, setting, self._limits, self._progress)
                if (done := final.done if final else unverified) and wishes.layers is not False:
                    after.add_layers(done, pipeline, self._workers, unasked=wishes.layers is None)
                if wishes.explain is not None:
                    after.add_explanation(options, folder / REPRO, wishes.explain)
                return result

    def _trials(self, scratch: Path) -> Trials:
        return Trials(
            scratch / "trials", self._limits, self._cache, self._progress.trial, workers=self._workers
        )

    def _pipeline(
        self,
        setting: Setting,
        rules: tuple[Rule, ...],
        given: Model,
        calibration: Sequence[Path],
        wishes: Wishes,
        result: Conversion,
    ) -> Pipeline:
        """What converts the model, with its samples computed."""

        def reference_of(part: Model, folder: Path) -> Reference:
            return make_reference(
                part,
                result.options,
                folder,
                seed=wishes.seed,
                user=Path(wishes.samples) if wishes.samples else None,
                calibration=calibration,
            )

        self._progress.step("running the model with ONNX Runtime")
        return Pipeline(
            setting,
            rules,
            wishes.exactness,
            reference_of(given, setting.scratch / "samples"),
            lambda head, folder: reference_of(_as_model(head, folder), folder),
            self._progress,
            result,
        )


def convert(
    model: str | Path,
    *,
    target: str,
    out: str | Path | None = None,
    toolkit: str | None = None,
    limits: Limits | None = None,
    cache: bool = True,
    progress: Progress | None = None,
    **wishes: Any,  # noqa: ANN401 - the fields of Wishes
) -> Conversion:
    """Converts one model; see `Converter`, whose arguments these are, and `Wishes` for all others.

    Raises:
        InputError: As `Converter.convert`.
        TypeError: An argument that does not exist.
    """
    with Converter(target, toolkit=toolkit, limits=limits, cache=cache, progress=progress) as converter:
        return converter.convert(model, out, Wishes(**wishes))


def _read(path: Path, wishes: Wishes, scratch: Path) -> tuple[Model, tuple[TensorSpec, ...]]:
    """The model with the shapes and constants that are wished for, and the inputs that are constants of it."""
    whole = modernised(load(path), scratch / "modern.onnx")
    constants = tuple(spec for spec in whole.inputs if spec.name in wishes.constants)
    fixed = specialise(whole, wishes.constants, scratch / "specialised.onnx")
    return freeze(fixed, dict(wishes.inputs)), constants


def _begun(
    given: Model, path: Path, constants: tuple[TensorSpec, ...], target: Target, options: BuildOptions
) -> Conversion:
    """What is known of a conversion before it is tried."""
    return Conversion(
        rkmend=__version__,
        model=_facts(given, path),
        target=target.name,
        toolkit=None,
        options=options,
        status=Status.REFUSED,
        reason="",
        first_verdict=None,
        verdict=None,
        constants=constants,
    )


def _as_model(part: ir.Model, folder: Path) -> Model:
    """A part of a model, saved in a folder, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    save(part, folder / "part.onnx")
    return load(folder / "part.onnx")


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
