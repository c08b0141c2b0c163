"""Fitting: samples and calibration data in the form that a model takes whose interface was changed by a mend."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from rkmend.graph import TensorSpec
from rkmend.npz import read_npz, write_npz
from rkmend.toolkit.trial import Calibration, Reference, Sample


def fit_reference(
    reference: Reference, inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec], folder: Path
) -> Reference:
    """What the original model computes, as a mended form of it has to.

    Args:
        reference: Of the original.
        inputs: Of the mended form; each is an input of the original in another shape or dtype.
        outputs: Likewise; those that are not there are not looked at.
        folder: For the samples; made where it is needed.

    Returns:
        The same object where the interface is the same.
    """
    if (tuple(inputs), tuple(outputs)) == (reference.inputs, reference.outputs):
        return reference
    digest = _digest(reference.digest, inputs, outputs)
    folder = folder / digest[:16]
    folder.mkdir(parents=True, exist_ok=True)
    samples = []
    for sample in reference.samples:
        fed, given = folder / f"{sample.name}.npz", folder / f"{sample.name}-outputs.npz"
        if not given.exists():
            _convert(sample.inputs, fed, "input", reference.inputs, inputs)
            _convert(sample.outputs, given, "output", reference.outputs, outputs)
        samples.append(Sample(sample.name, fed, given, sample.noise))
    names = tuple(spec.name for spec in outputs)
    return replace(
        reference,
        digest=digest,
        output_names=names,
        samples=tuple(samples),
        inputs=tuple(inputs),
        outputs=tuple(outputs),
    )


def fit_calibration(
    calibration: Calibration, given: Sequence[TensorSpec], inputs: Sequence[TensorSpec], folder: Path
) -> Calibration:
    """Calibration data for a mended form of a model; the same object where it takes the same inputs.

    Args:
        calibration: For the original.
        given: The inputs of the original, in the order of the dataset's columns.
        inputs: Those of the mended form.
        folder: For the arrays; made where it is needed.
    """
    if tuple(inputs) == tuple(given):
        return calibration
    digest = _digest(calibration.digest, inputs)
    folder = folder / f"calibration-{digest[:16]}"
    folder.mkdir(parents=True, exist_ok=True)
    listing, lines = folder / "dataset.txt", []
    for number, line in enumerate(calibration.listing.read_text().splitlines()):
        sources = dict(zip((spec.name for spec in given), line.split(), strict=True))
        paths = [folder / f"{number}-input{index}.npy" for index in range(len(inputs))]
        for spec, path in zip(inputs, paths, strict=True):
            np.save(path, _fitted(np.load(sources[spec.name]), spec))
        lines.append(" ".join(map(str, paths)))
    listing.write_text("\n".join(lines) + "\n")
    return replace(calibration, digest=digest, listing=listing)


def _convert(
    source: Path, to: Path, key: str, given: Sequence[TensorSpec], wanted: Sequence[TensorSpec]
) -> None:
    place = {spec.name: index for index, spec in enumerate(given)}
    write_npz(
        to,
        (
            (f"{key}{index}", _fitted(read_npz(source, f"{key}{place[spec.name]}"), spec))
            for index, spec in enumerate(wanted)
        ),
    )


def _fitted(array: np.ndarray, spec: TensorSpec) -> np.ndarray:
    """The same elements in the shape and dtype of a spec; samples of bfloat16 are stored as float32."""
    shape = spec.sizes if spec.static and math.prod(spec.sizes) == array.size else array.shape
    return array.reshape(shape).astype("float32" if spec.dtype == "bfloat16" else spec.dtype, copy=False)


def _digest(of: str, *interface: Sequence[TensorSpec]) -> str:
    return hashlib.sha256(f"{of} {[list(map(str, specs)) for specs in interface]}".encode()).hexdigest()
