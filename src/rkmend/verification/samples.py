"""Input samples: what two models, or a model and its conversion, are compared on."""

from __future__ import annotations

import math
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rkmend.errors import InputError
from rkmend.graph import TensorSpec
from rkmend.npz import write_npz

MANY_BYTES = 50 << 20
"""Inputs or outputs of this size are compared on one sample less."""
FLOATS = frozenset({"float16", "bfloat16", "float32", "float64"})
INTEGERS = frozenset({"bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"})


@dataclass(frozen=True)
class Sample:
    """One array for every input.

    Attributes:
        name: `normal`, `ramp`, `zeros`, `ones`, or `user-0`, `user-1`, ...
        path: An .npz with the keys `input0`, `input1`, ... in the order of the inputs; bfloat16 as float32.
    """

    name: str
    path: Path


_Make = Callable[[np.random.Generator, tuple[int, ...], np.dtype], np.ndarray]


def _normal(random: np.random.Generator, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """Standard normal; 0 and 1 for integers, which are masks and indices more often than quantities."""
    if dtype.kind == "f":
        kind = np.float64 if dtype == np.float64 else np.float32
        return np.asarray(random.standard_normal(shape, dtype=kind)).astype(dtype, copy=False)
    return np.asarray(random.integers(0, 2, shape, dtype=np.int8)).astype(dtype)


def _ramp(random: np.random.Generator, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """Rising over the last two axes up to 1, without a 0, for floats; for integers `_normal` once more.

    Where a window begins shows in every one of its results. The largest of many random numbers is nearly the same
    wherever they are taken: noise does not show that the windows of a MaxPool of few channels lie elsewhere.
    """
    if dtype.kind != "f":
        return _normal(random, shape, dtype)
    last = shape[-2:]
    falling = np.linspace(1, -math.sqrt(3) / 2, math.prod(last), dtype=np.float32)
    return np.broadcast_to(falling[::-1].reshape(last), shape).astype(dtype)


def _counts(random: np.random.Generator, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """1 to 99 for integers: no mask, and an index of the larger tables only."""
    if dtype.kind == "f":
        return _normal(random, shape, dtype)
    return np.asarray(random.integers(1, 100, shape, dtype=np.int8)).astype(dtype)


def _pixels(random: np.random.Generator, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """Whole numbers from 0 to 255 for floats."""
    return (
        random.integers(0, 256, shape).astype(dtype) if dtype.kind == "f" else _normal(random, shape, dtype)
    )


_MAKERS: dict[str, _Make] = {
    "normal": _normal,
    "ramp": _ramp,
    "zeros": lambda _random, shape, dtype: np.zeros(shape, dtype),
    "ones": lambda _random, shape, dtype: np.ones(shape, dtype),
}


def make_samples(
    inputs: Sequence[TensorSpec],
    folder: Path,
    *,
    seed: int = 0,
    user: Path | None = None,
    outputs: Sequence[TensorSpec] = (),
    counts: bool = False,
) -> tuple[Sample, ...]:
    """Writes the samples; at no time is more than one array in memory.

    Args:
        inputs: Static.
        folder: Exists; gets one .npz per sample, as large as the inputs.
        seed: The same seed gives the same samples.
        user: An .npz with the user's own: its keys are the input names, each array one sample, or several
            along an additional first axis.
        outputs: Of the model, if known: outputs of more than `MANY_BYTES` are compared on fewer samples.
        counts: Make `counts` as well; a model may refuse it, where its integers are indices.

    Returns:
        `normal`, `ramp`, `zeros`, `ones`, then `counts`, then the user's.

    Raises:
        InputError: An input of a dtype that is no number, a user's file that does not fit, a full disk.
    """
    for spec in inputs:
        if spec.dtype not in FLOATS | INTEGERS:
            raise InputError(
                f"no samples can be made for input {spec}: its dtype is not a number",
                hint="Cut the model after the operators that turn text into numbers.",
                rule="RKM081",
            )
    makers = {**_MAKERS, "counts": _counts} if counts else _MAKERS
    large = max(_bytes(inputs), _bytes(spec for spec in outputs if spec.static)) > MANY_BYTES
    try:
        made = [
            _generate(inputs, folder, name, make, [seed, number])
            for number, (name, make) in enumerate(makers.items())
            if not (large and name == "ramp")
        ]
        return (*made, *(_user_samples(inputs, folder, user) if user else ()))
    except OSError as error:
        raise InputError(
            f"cannot write input samples to {folder}: {error.strerror or error}",
            hint="Free some space on its disk, or set RKMEND_CACHE to a folder on another.",
        ) from error


def make_pixels(inputs: Sequence[TensorSpec], folder: Path, *, seed: int = 0) -> Sample:
    """Writes one more sample, `pixels`: for networks that take images as they come from a camera."""
    return _generate(inputs, folder, "pixels", _pixels, [seed, len(_MAKERS) + 1])


def _generate(inputs: Sequence[TensorSpec], folder: Path, name: str, make: _Make, seed: list[int]) -> Sample:
    sample = Sample(name, folder / f"{name}.npz")
    write_npz(
        sample.path,
        (
            (f"input{index}", make(np.random.default_rng([*seed, index]), spec.sizes, _stored(spec)))
            for index, spec in enumerate(inputs)
        ),
    )
    return sample


def _user_samples(inputs: Sequence[TensorSpec], folder: Path, path: Path) -> Iterator[Sample]:
    """Takes a user's archive apart into one file per sample, one input after the other."""
    expected = "It must be an .npz with these arrays, each one sample, or N along a first axis: "
    expected += "; ".join(map(str, inputs))
    counts = {}
    written: set[Path] = set()
    try:
        with _opened(path) as archive:
            if sorted(archive.files) != sorted(spec.name for spec in inputs):
                raise InputError(
                    f"{path} holds {', '.join(map(repr, archive.files)) or 'nothing'}", hint=expected
                )
            for index, spec in enumerate(inputs):
                arrays = _fit(archive[spec.name], spec, path, expected)
                counts[spec.name] = len(arrays)
                for number, array in enumerate(arrays):
                    part = folder / f"user-{number}.npz"
                    write_npz(part, [(f"input{index}", array)], append=part in written)
                    written.add(part)
    except (ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(f"cannot read {path}: {error}", hint=expected) from error
    if len(set(counts.values())) > 1:
        found = ", ".join(f"{name} {count}" for name, count in counts.items())
        raise InputError(f"the inputs in {path} have different numbers of samples: {found}", hint=expected)
    for number in range(min(counts.values(), default=0)):
        yield Sample(f"user-{number}", folder / f"user-{number}.npz")


def _opened(path: Path) -> np.lib.npyio.NpzFile:
    try:
        archive = np.load(path, allow_pickle=False)
    except OSError as error:
        raise InputError(
            f"cannot read the samples {path}: {error.strerror or error}",
            hint="Check the path given to --samples.",
        ) from error
    if not isinstance(archive, np.lib.npyio.NpzFile):
        raise ValueError("it holds one array without a name")
    return archive


def _fit(array: np.ndarray, spec: TensorSpec, path: Path, expected: str) -> np.ndarray:
    """The user's array as N samples in the stored dtype of the input."""
    where = f"array '{spec.name}' in {path}"
    if array.shape == spec.sizes:
        array = array[np.newaxis]
    if array.shape[1:] != spec.sizes or not len(array):
        raise InputError(f"{where} has the shape {list(array.shape)}", hint=expected)
    dtype = _stored(spec)
    to_float = array.dtype.kind in "biuf" and dtype.kind == "f"
    with np.errstate(over="ignore"):
        cast = array.astype(dtype, copy=False) if to_float or array.dtype.kind in "biu" else None
    if cast is None or not _equal_enough(array, cast):
        raise InputError(
            f"{where} is {array.dtype} and cannot be made {spec.dtype} without changing its values",
            hint=expected,
        )
    return cast


def _equal_enough(array: np.ndarray, cast: np.ndarray) -> bool:
    """Whether a cast kept the values: integers exactly, floats but for rounding, none became infinite."""
    if cast.dtype.kind == "f":
        return bool(np.array_equal(np.isfinite(array), np.isfinite(cast)))
    return bool(np.array_equal(array, cast))


def _stored(spec: TensorSpec) -> np.dtype:
    """The dtype in which the samples of an input are stored."""
    return np.dtype("float32" if spec.dtype == "bfloat16" else spec.dtype)


def _bytes(specs: Iterator[TensorSpec] | Sequence[TensorSpec]) -> int:
    return sum(
        math.prod(spec.sizes) * _stored(spec).itemsize for spec in specs if spec.dtype in FLOATS | INTEGERS
    )
