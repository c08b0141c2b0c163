"""What the ORIGINAL model computes on a few inputs, for the simulator to be held against."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rkmend.errors import InputError
from rkmend.graph import Model, digest_ir
from rkmend.graph.model import graph_inputs, spec_of
from rkmend.npz import write_npz
from rkmend.toolkit.calibration import calibrate_on
from rkmend.toolkit.options import BuildOptions
from rkmend.toolkit.trial import Calibration, Reference, Sample
from rkmend.verification import samples as sampling
from rkmend.verification.int8 import in_int8, ranges
from rkmend.verification.noise import is_finite, with_noise, with_wide_noise
from rkmend.verification.parts import parts
from rkmend.verification.runner import REFERENCE, Engine, Run, run_model
from rkmend.verification.scaling import Scale
from rkmend.verification.thresholds import make_limits

if TYPE_CHECKING:
    import onnx_ir as ir


VERIFIED = 3
"""Calibration samples that an int8 build is verified on: as many as the generated ones of an fp16 build."""


def make_reference(
    model: Model,
    options: BuildOptions,
    folder: Path,
    *,
    seed: int = 0,
    user: Path | None = None,
    calibration: Sequence[Path] = (),
) -> Reference:
    """Runs the original model with ONNX Runtime.

    Args:
        model: As given, with frozen input shapes; its file is run, not what rkmend made of it.
        options: The simulator applies mean and std itself, so its inputs are the network's before them.
        folder: For the samples; holds all inputs and outputs at once.
        seed: Of the random samples.
        user: The user's own samples, an .npz by input name, as the network gets them.
        calibration: Samples an int8 build is calibrated on, before mean and std. The first of them replace the
            generated ones, which fall outside the calibrated ranges and would measure nothing but saturation.

    Raises:
        InputError: ONNX Runtime cannot run the model, or the user's samples do not fit.
    """
    folder.mkdir(parents=True, exist_ok=True)
    scale = Scale(options, model)
    raw = {path.stem: path for path in calibration}
    ranging = [
        sampling.Sample(name, scale.forward(path, folder / f"{name}.npz")) for name, path in raw.items()
    ]
    made = ranging[:VERIFIED]
    generated = sampling.make_samples(
        model.inputs, folder, seed=seed, user=user, counts=_is_fed_integers(model)
    )
    made += [sample for sample in generated if not calibration or sample.name.startswith("user")]
    made, run = _of_numbers(*_run(model, made, folder / "reference"))
    if _makes_nan(run):
        made, run = _within_limits(model, made, run, folder)
    reference = Reference(
        _digest(model, seed, [*calibration, *([user] if user else [])], made, run.engine),
        run.output_names,
        tuple(
            Sample(
                sample.name,
                raw.get(sample.name) or scale.backward(sample.path),
                outputs,
                network=sample.path,
            )
            for sample, outputs in zip(made, run.outputs, strict=True)
        ),
        model.inputs,
        model.outputs,
    )
    if options.quantize:
        reference = _with_parts(reference, model, folder)
    return replace(reference, measure=partial(_measure, reference, model, made, ranging, scale, folder))


def _with_parts(reference: Reference, model: Model, folder: Path) -> Reference:
    """The reference with the parts of its outputs, where they have any."""
    labels = parts(model.ir)
    if not labels:
        return reference
    write_npz(folder / "parts.npz", ((f"parts:{name}", array) for name, array in labels.items()))
    return replace(reference, digest=f"{reference.digest} and parts", parts=folder / "parts.npz")


def _measure(
    reference: Reference,
    model: Model,
    made: Sequence[sampling.Sample],
    ranging: Sequence[sampling.Sample],
    scale: Scale,
    folder: Path,
    quantize: bool,
    apart: tuple[str, ...] = (),
) -> Reference:
    """The reference with the noise of its samples; the tensors apart are not rounded to int8."""
    if not quantize:
        return _measured(reference, model, made, scale, folder)
    try:
        measured = ranges(model.ir, ranging, folder / "ranges")
    except InputError:
        return replace(reference, measure=None)
    rounding = partial(in_int8, measured={name: measured[name] for name in measured if name not in apart})
    if not apart:
        return with_noise(reference, model.ir, made, folder / "noise-int8", rounding=rounding)
    names = hashlib.sha256("\0".join(apart).encode()).hexdigest()[:16]
    mixed = replace(reference, digest=f"{reference.digest} but for {names}")
    return with_noise(mixed, model.ir, made, folder / f"noise-int8-{names}", rounding=rounding)


def _run(model: Model, made: Sequence[sampling.Sample], folder: Path) -> tuple[list[sampling.Sample], Run]:
    """Runs the original on the samples that it takes, or says which rule is about models that cannot be run.

    Where integers are fed, a model may refuse some of them: an index out of range, a division by 0. Where ONNX Runtime
    has no kernel for the model, the reference evaluator of the onnx package runs it.
    """
    for spec in model.outputs:
        if spec.dtype not in sampling.FLOATS | sampling.INTEGERS:
            raise InputError(
                f"output {spec} cannot be compared: its dtype is not a number that the NPU has",
                hint="Cut the model before the operators that make it.",
                rule="RKM081",
            )
    try:
        return list(made), run_model(model.path, made, folder)
    except InputError as error:
        taken = [sample for sample in made if _runs(model, sample, folder)] if _is_fed_integers(model) else []
        if taken:
            return taken, run_model(model.path, taken, folder)
        with suppress(InputError):  # slow, and it knows every operator set and dtype
            return list(made), run_model(model.path, made, folder, engine=Engine(REFERENCE))
        raise InputError(error.message, hint=error.hint, rule=error.rule or "RKM085") from error


def _of_numbers(made: list[sampling.Sample], run: Run) -> tuple[list[sampling.Sample], Run]:
    """Without the samples of which the original itself makes NaN: a mask that hides everything, say.

    What a conversion gives there cannot be wrong. Where there is no other sample, nothing is left out.
    """
    pairs = [(one, path) for one, path in zip(made, run.outputs, strict=True) if not _holds_nan(path)]
    if not pairs or len(pairs) == len(made):
        return made, run
    return [one for one, _ in pairs], replace(run, outputs=tuple(path for _, path in pairs))


def _within_limits(
    model: Model, made: list[sampling.Sample], run: Run, folder: Path
) -> tuple[list[sampling.Sample], Run]:
    """Samples of which the original makes numbers, by limits that leave something between them; else those given."""
    further = list(make_limits(model, made, folder))
    if not further:
        return made, run
    other = _of_numbers(*_run(model, further, folder / "reference"))
    return (made, run) if _makes_nan(other[1]) else other


def _makes_nan(run: Run) -> bool:
    return all(map(_holds_nan, run.outputs))


def _holds_nan(path: Path) -> bool:
    with np.load(path) as arrays:
        return any(
            array.dtype.kind == "f" and bool(np.isnan(array).any()) for array in map(arrays.get, arrays.files)
        )


def _is_fed_integers(model: Model) -> bool:
    return any(spec.dtype in sampling.INTEGERS for spec in model.inputs)


def _runs(model: Model, sample: sampling.Sample, folder: Path) -> bool:
    try:
        run_model(model.path, [sample], folder)
    except InputError:
        return False
    return True


def _measured(
    reference: Reference, model: Model, made: Sequence[sampling.Sample], scale: Scale, folder: Path
) -> Reference:
    """The reference with the noise of its samples, and with a sample of pixels.

    A network that takes pixels from 0 to 255 sees next to nothing in normal numbers, zeros and ones, and on next to
    nothing all is noise. Where pixels are too much for fp16, they are left out.
    """
    noisy, samples = None, list(made)
    pixels = sampling.make_pixels(model.inputs, folder)
    with suppress(InputError):
        run = run_model(model.path, [pixels], folder / "reference")
        sample = Sample(pixels.name, scale.backward(pixels.path), run.outputs[0], network=pixels.path)
        more = replace(
            reference, digest=f"{reference.digest} and {pixels.name}", samples=(*reference.samples, sample)
        )
        noisy = with_noise(more, model.ir, [*made, pixels], folder / "noise")
    if noisy is not None and is_finite(noisy.samples[-1]):
        samples.append(pixels)
    else:
        noisy = with_noise(reference, model.ir, made, folder / "noise")
    return with_wide_noise(noisy, model.ir, samples, folder / "noise-wide")


def candidate_reference(model: ir.Model, path: Path) -> Reference | None:
    """Runs a candidate of a reduction with ONNX Runtime, on one random sample.

    Args:
        model: With static inputs.
        path: Where it is saved; the sample goes into a folder of that name without the suffix.

    Returns:
        None when ONNX Runtime cannot run it: then nothing is known that its conversion could be held against.
    """
    folder = path.with_suffix("")
    folder.mkdir(parents=True, exist_ok=True)
    try:
        made = _candidate_sample(model, folder)
        run = run_model(path, [made], folder / "reference")
    except InputError:
        return None
    sample = Sample(made.name, made.path, run.outputs[0])
    return Reference(digest_ir(model), run.output_names, (sample,))


def candidate_calibration(model: ir.Model, path: Path) -> Calibration:
    """Calibration data for a candidate of a reduction: the random sample of `candidate_reference`.

    Args:
        model: With static inputs.
        path: Where it is saved; the data goes into a folder of that name without the suffix.
    """
    folder = path.with_suffix("") / "calibration"
    folder.mkdir(parents=True)
    return calibrate_on(_candidate_sample(model, folder).path, folder)


def _candidate_sample(model: ir.Model, folder: Path) -> sampling.Sample:
    """The same numbers for the same inputs."""
    return sampling.make_samples([spec_of(value) for value in graph_inputs(model.graph)], folder)[0]


def _digest(
    model: Model, seed: int, files: Sequence[Path], made: Sequence[sampling.Sample], engine: str
) -> str:
    """Names the samples without reading the generated ones: they follow from names, shapes and seed.

    Which ones there are depends on what the model takes, and what came out of them on what ran it.
    """
    shapes = [(spec.name, spec.dtype, spec.shape) for spec in model.inputs]
    names = [sample.name for sample in made]
    digest = hashlib.sha256(f"{model.sha256} {shapes} {seed} {names} {engine}".encode())
    for path in files:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()
