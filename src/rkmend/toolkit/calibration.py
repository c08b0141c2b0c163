"""Calibration data for int8 builds: whatever the user has, made into the toolkit's dataset list."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from rkmend.errors import InputError
from rkmend.graph import TensorSpec
from rkmend.npz import write_npz
from rkmend.toolkit.trial import Calibration

IMAGES = (".jpg", ".jpeg", ".png", ".bmp", ".webp")
ARRAYS = (".npy", ".npz")
WANTED = "Give a folder of .npy, .npz or image files, or a text file with one sample a line (paths, one per input)."


def load_calibration(
    dataset: Path, inputs: Sequence[TensorSpec], folder: Path
) -> tuple[Calibration, list[Path]]:
    """Reads a calibration dataset.

    Args:
        dataset: A folder of .npy (models with one input), .npz (keys are input names) or images (one input of
            shape 1xCxHxW, C = 1 or 3: RGB, 0..255, resized to HxW), or the toolkit's own dataset list.
        inputs: Of the model, static.
        folder: Gets the arrays as the toolkit reads them.

    Returns:
        The Calibration, and one .npz per sample with `input0`, `input1`, ... before mean and std.

    Raises:
        InputError: Nothing usable in it, or a file that does not fit the model.
    """
    lines: list[str] = []
    samples: list[Path] = []
    digest = hashlib.sha256()
    for arrays in _samples(dataset, inputs):
        paths = []
        for index, array in enumerate(arrays):
            paths.append(folder / f"calibration-{len(samples)}-input{index}.npy")
            np.save(paths[-1], array)
            digest.update(array.tobytes())
        lines.append(" ".join(map(str, paths)))
        samples.append(folder / f"calibration-{len(samples)}.npz")
        write_npz(samples[-1], ((f"input{index}", array) for index, array in enumerate(arrays)))
    if not samples:
        raise InputError(f"no calibration data in {dataset}", hint=WANTED)
    listing = folder / "dataset.txt"
    listing.write_text("\n".join(lines) + "\n")
    return Calibration(digest.hexdigest(), listing), samples


def calibrate_on(sample: Path, folder: Path) -> Calibration:
    """Makes a dataset of one sample, for an int8 build whose numbers do not matter.

    Args:
        sample: An .npz with `input0`, `input1`, ...
        folder: Gets the arrays as the toolkit reads them.
    """
    digest, paths = hashlib.sha256(), []
    with np.load(sample) as arrays:
        for index in range(len(arrays.files)):
            array = arrays[f"input{index}"]
            paths.append(folder / f"calibration-input{index}.npy")
            np.save(paths[-1], array)
            digest.update(array.tobytes())
    listing = folder / "dataset.txt"
    listing.write_text(" ".join(map(str, paths)) + "\n")
    return Calibration(digest.hexdigest(), listing)


def _samples(dataset: Path, inputs: Sequence[TensorSpec]) -> Iterator[list[np.ndarray]]:
    if dataset.is_dir():
        for path in sorted(dataset.iterdir()):
            if path.suffix.lower() in ARRAYS + IMAGES:
                yield _read(path, inputs)
    elif dataset.is_file() and dataset.suffix.lower() in ARRAYS + IMAGES:
        yield _read(dataset, inputs)
    elif dataset.is_file():
        try:
            lines = dataset.read_text().splitlines()
        except UnicodeDecodeError as error:
            raise InputError(f"{dataset} is not a text file", hint=WANTED) from error
        for number, line in enumerate(lines, 1):
            paths = [dataset.parent / part for part in line.split()]
            if len(paths) == 1:
                yield _read(paths[0], inputs)
            elif len(paths) == len(inputs):
                yield [_fit(_array(path, spec), spec, path) for path, spec in zip(paths, inputs, strict=True)]
            elif paths:
                raise InputError(
                    f"{dataset}, line {number}: {len(paths)} files for a model with {len(inputs)} inputs",
                    hint=WANTED,
                )
    else:
        raise InputError(f"calibration dataset not found: {dataset}", hint=WANTED)


def _read(path: Path, inputs: Sequence[TensorSpec]) -> list[np.ndarray]:
    """One sample for all inputs from one file."""
    if path.suffix.lower() == ".npz":
        arrays = _open(path)
        names = [spec.name for spec in inputs]
        if sorted(arrays) != sorted(names):
            raise InputError(
                f"{path} holds {', '.join(arrays) or 'nothing'}", hint=f"It must hold: {', '.join(names)}."
            )
        return [_fit(arrays[spec.name], spec, path) for spec in inputs]
    if len(inputs) != 1:
        raise InputError(
            f"{path} is one array, but the model has {len(inputs)} inputs",
            hint="Use .npz files with one array per input name, or a dataset list with one path per input.",
        )
    return [_fit(_array(path, inputs[0]), inputs[0], path)]


def _array(path: Path, spec: TensorSpec) -> np.ndarray:
    if path.suffix.lower() in IMAGES:
        return _image(path, spec)
    arrays = list(_open(path).values())
    if len(arrays) != 1:
        raise InputError(f"{path} holds {len(arrays)} arrays, one is wanted here", hint=WANTED)
    return arrays[0]


def _open(path: Path) -> dict[str, np.ndarray]:
    try:
        loaded = np.load(path, allow_pickle=False)
        return dict(loaded) if isinstance(loaded, np.lib.npyio.NpzFile) else {"": loaded}
    except (OSError, ValueError, EOFError, BadZipFile) as error:
        raise InputError(f"cannot read calibration file {path}: {error}", hint=WANTED) from error


def _image(path: Path, spec: TensorSpec) -> np.ndarray:
    from PIL import Image

    if len(spec.shape) != 4 or spec.sizes[1] not in (1, 3):
        raise InputError(
            f"{path} is an image, but input {spec.name} has shape {list(spec.shape)}",
            hint="Images fit inputs of shape 1xCxHxW with C = 1 or 3; use .npy files for others.",
        )
    _, channels, height, width = spec.sizes
    try:
        with Image.open(path) as image:
            plain = image.convert("RGB" if channels == 3 else "L").resize((width, height))
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read image {path}: {error}", hint=WANTED) from error
    pixels: np.ndarray = np.asarray(plain, dtype=np.float32).reshape(height, width, channels)
    return np.expand_dims(pixels.transpose(2, 0, 1), 0)


def _fit(array: np.ndarray, spec: TensorSpec, path: Path) -> np.ndarray:
    """The array in the dtype and shape of the input; a missing batch axis of 1 is added."""
    shape = spec.sizes
    if array.shape != shape and (1, *array.shape) == shape:
        array = array[np.newaxis]
    if array.shape != shape:
        raise InputError(
            f"{path} has shape {list(array.shape)}, input {spec.name} wants {list(shape)}",
            hint="Arrays are in the layout of the ONNX model (NCHW for images).",
        )
    if not np.isfinite(array.astype(np.float64)).all():
        raise InputError(f"{path} holds NaN or infinite values")
    return np.ascontiguousarray(array.astype(spec.dtype))
