"""Specialising: inputs that are the same in every run (a sample rate, k, sizes) become constants of the model."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rkmend.errors import InputError
from rkmend.graph.model import Model, TensorSpec
from rkmend.graph.save import save
from rkmend.graph.shapes import unknown_name

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[Any]]

SYNTAX = "Write NAME=16000, NAME=1,3,5 for an axis of three, or NAME=FILE.npy."


def parse_constant_options(texts: Iterable[str]) -> dict[str, Array]:
    """Reads `NAME=16000`, `NAME=0.5,0.5`, `NAME=true` and `NAME=FILE.npy`.

    Returns:
        By input name; numbers of no dtype in particular, which `specialise` casts to the input's.

    Raises:
        InputError: Another syntax, a file that cannot be read, or one input is given twice.
    """
    values: dict[str, Array] = {}
    for text in texts:
        name, equals, written = (part.strip() for part in text.rpartition("="))
        if not (name and equals and written):
            raise InputError(f"cannot read the constant '{text}'", hint=SYNTAX)
        if name in values:
            raise InputError(f"input '{name}' is given two constants", hint="Give it one --constant option.")
        values[name] = _from_file(Path(written)) if written.endswith(".npy") else _numbers(text, written)
    return values


def specialise(model: Model, values: Mapping[str, Array], file: Path) -> Model:
    """Replaces inputs by initializers.

    Args:
        model: Left as it is.
        values: By input name. One number fills an input of any static shape; a list fits one of as many elements.
        file: Where the specialised model is saved, for ONNX Runtime to run.

    Returns:
        A Model of fewer inputs whose `path` is `file`.

    Raises:
        InputError: An unknown name, or a value that does not fit dtype or shape of its input.
    """
    import onnx_ir as ir

    if not values:
        return model
    known = {spec.name: spec for spec in model.inputs}
    graph = (specialised := model.ir.clone()).graph
    for name, array in values.items():
        if name not in known:
            raise unknown_name(name, model.inputs)
        (value,) = (one for one in graph.inputs if one.name == name)
        graph.inputs.remove(value)
        value.const_value = ir.tensor(_fitted(array, known[name]), name=name)
        value.shape = ir.Shape(value.const_value.shape.numpy())
        graph.register_initializer(value)
    specialised.ir_version = max(
        specialised.ir_version, 4
    )  # before 4 every constant had to be an input as well
    save(specialised, file)
    inputs = tuple(spec for spec in model.inputs if spec.name not in values)
    return replace(model, ir=specialised, inputs=inputs, path=file)


def _numbers(text: str, written: str) -> Array:
    import numpy as np

    try:
        numbers = np.array([_number(part.strip()) for part in written.split(",")])
    except ValueError as error:
        raise InputError(f"cannot read the constant '{text}'", hint=SYNTAX) from error
    return numbers if "," in written else numbers.reshape(())


def _number(written: str) -> int | float:
    if written.lower() in ("true", "false"):
        return int(written.lower() == "true")
    try:
        return int(written)
    except ValueError:
        return float(written)


def _from_file(path: Path) -> Array:
    import numpy as np

    try:
        array: Array = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read the constant in {path}: {error}", hint=SYNTAX) from error
    return array


def _fitted(array: Array, spec: TensorSpec) -> Array:
    """The constant in dtype and shape of its input; floats are rounded to it, whole numbers have to fit."""
    import numpy as np

    dtype = np.dtype(spec.dtype)
    cast = array.astype(dtype)
    if dtype.kind in "iub" and not np.array_equal(cast.astype(np.float64), array.astype(np.float64)):
        raise InputError(f"the constant does not fit input {spec}", hint=f"Give values of {spec.dtype}.")
    if not spec.static:
        return np.atleast_1d(cast) if len(spec.shape) == 1 else cast
    wanted = math.prod(spec.sizes)
    if array.ndim == 0:
        return np.full(spec.sizes, cast)
    if cast.size != wanted:
        raise InputError(
            f"the constant for input {spec} has {cast.size} elements",
            hint=f"Give {wanted}, or one number for all.",
        )
    return cast.reshape(spec.sizes)
