"""Static shapes for dynamic inputs: reading them from the command line, and binding them to the model."""

from __future__ import annotations

import difflib
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence

from rkmend.errors import InputError
from rkmend.graph.model import UNKNOWN_RANK, TensorSpec


class DynamicInputs(InputError):
    """Sizes are missing; the hint proposes some."""


SYNTAX = "Write NAME=1x3x224x224, or NAME=scalar for an input of rank 0."


def parse_shape_option(text: str) -> tuple[str, tuple[int, ...]]:
    """Reads `NAME=1x3x224x224`, `NAME=1,3,224,224`, `NAME=1*3*224*224` or `NAME=scalar`.

    Returns:
        The name of the input, which may hold `=` itself, and its shape.

    Raises:
        InputError: Another syntax, or a size below 1.
    """
    name, equals, written = (part.strip() for part in text.rpartition("="))
    if not (name and equals and written):
        raise InputError(f"cannot read the input shape '{text}'", hint=SYNTAX)
    if written.lower() == "scalar":
        return name, ()
    sizes = re.split(r"\s*[x,*]\s*", written.lower())
    for size in sizes:
        if not re.fullmatch(r"[+-]?\d+", size):
            raise InputError(f"cannot read the size '{size}' in the input shape '{text}'", hint=SYNTAX)
        if int(size) < 1:
            raise InputError(
                f"size {size} in the input shape '{text}': every size must be at least 1",
                hint="The toolkit takes static shapes only; give the sizes that the model is to run with.",
            )
    return name, tuple(map(int, sizes))


def parse_shape_options(texts: Iterable[str]) -> dict[str, tuple[int, ...]]:
    """Reads several options.

    Raises:
        InputError: As `parse_shape_option`, or one input is given two shapes.
    """
    shapes: dict[str, tuple[int, ...]] = {}
    for text in texts:
        name, shape = parse_shape_option(text)
        if shapes.setdefault(name, shape) != shape:
            raise InputError(f"input '{name}' is given two shapes", hint="Give it one --input option.")
    return shapes


def bind(inputs: Sequence[TensorSpec], shapes: Mapping[str, tuple[int, ...]]) -> tuple[TensorSpec, ...]:
    """Makes the inputs of a model static.

    A symbolic size that several inputs share has one value: giving it once is enough.

    Args:
        inputs: Of the model.
        shapes: By input name.

    Returns:
        The inputs in the same order, all static.

    Raises:
        InputError: An unknown name, another rank, a contradiction with a static size or with a symbolic one
            that has a value already, or an input of size 0.
        DynamicInputs: Inputs that are still dynamic, with a proposal.
    """
    known = {spec.name: spec for spec in inputs}
    values: dict[int | str | None, tuple[int, str]] = {}
    bound = []
    for name, shape in shapes.items():
        if name not in known:
            raise unknown_name(name, inputs)
        _match(known[name], shape, values)
    for spec in inputs:
        implied = tuple(values[size][0] if size in values else size for size in spec.shape)
        bound.append(TensorSpec(spec.name, spec.dtype, shapes.get(spec.name, implied)))
    for spec in bound:
        if 0 in spec.shape:
            raise InputError(
                f"input {spec} holds no elements: one of its sizes is 0",
                hint="Export the model with a real size, or with a symbolic one and give it with --input.",
                rule="RKM082",
            )
    if not all(spec.static for spec in bound):
        raise _still_dynamic(bound)
    return tuple(bound)


def _match(spec: TensorSpec, shape: tuple[int, ...], values: dict[int | str | None, tuple[int, str]]) -> None:
    """Holds a given shape against the model's, and notes what it says about symbolic sizes."""
    asked = "scalar" if shape == () else "x".join(map(str, shape))
    if any(size < 1 for size in shape):
        raise InputError(f"the shape {asked} for input '{spec.name}' has a size below 1", hint=SYNTAX)
    if spec.shape == (UNKNOWN_RANK,):
        return
    if len(shape) != len(spec.shape):
        raise InputError(
            f"input {spec} has rank {len(spec.shape)}, the shape {asked} has rank {len(shape)}",
            hint=f"Give {len(spec.shape)} sizes." if spec.shape else f"Give {spec.name}=scalar.",
        )
    for size, declared in zip(shape, spec.shape, strict=True):
        if isinstance(declared, int) and declared != size:
            raise InputError(
                f"input {spec} cannot have the shape {asked}: its size {declared} is fixed in the model",
                hint="Give the fixed sizes as they are; to change one, export the model again.",
            )
        if isinstance(declared, str):
            value, giver = values.setdefault(declared, (size, spec.name))
            if value != size:
                raise InputError(
                    f"the symbolic size '{declared}' is {value} in '{giver}' and {size} in '{spec.name}'",
                    hint="Sizes of the same name must be equal.",
                )


def unknown_name(name: str, inputs: Sequence[TensorSpec]) -> InputError:
    """The error for an input that the model does not have, with the nearest that it has."""
    names = [spec.name for spec in inputs]
    near = difflib.get_close_matches(name, names, n=1)
    return InputError(
        f"the model has no input '{name}'" + (f"; did you mean '{near[0]}'?" if near else ""),
        hint="Its inputs are: " + "; ".join(map(str, inputs)),
    )


def propose(inputs: Sequence[TensorSpec]) -> dict[str, tuple[int, ...]]:
    """Plausible shapes for the dynamic ones of some inputs, by name: guesses that `bind` accepts."""
    chosen: dict[str, int] = {}
    proposals = {}
    for spec in inputs:
        if not spec.static:
            sizes = spec.shape if spec.shape != (UNKNOWN_RANK,) else (None,) * 4
            proposals[spec.name] = tuple(_guess(sizes, axis, chosen) for axis in range(len(sizes)))
    return proposals


def _still_dynamic(inputs: Sequence[TensorSpec]) -> DynamicInputs:
    dynamic = {spec.name: spec for spec in inputs if not spec.static}
    options, guesses = [], []
    for name, proposal in propose(inputs).items():
        shape = dynamic[name].shape
        options.append("--input " + shlex.quote(f"{name}={'x'.join(map(str, proposal))}"))
        sizes = shape if shape != (UNKNOWN_RANK,) else (None,) * len(proposal)
        axes = [axis for axis, size in enumerate(sizes) if axis > 0 and not isinstance(size, int)]
        if axes:
            guesses.append(f"{name} " + ", ".join(f"axis {axis} = {proposal[axis]}" for axis in axes))
    hint = "Give each a static shape, for example:\n  " + " ".join(options)
    if guesses:
        hint += f"\nThese are guesses, put in the sizes the model will run with: {'; '.join(guesses)}."
    return DynamicInputs("the model has dynamic inputs: " + "; ".join(map(str, dynamic.values())), hint=hint)


def _guess(sizes: Sequence[int | str | None], axis: int, chosen: dict[str, int]) -> int:
    """A plausible size: batch 1; 3 channels and 640 pixels for images in either layout; 128 for the rest.

    The same for all sizes of one name, so that the proposal is one that `bind` accepts.
    """
    size = sizes[axis]
    if isinstance(size, int):
        return size
    if axis == 0:
        guess = 1
    elif len(sizes) != 4:
        guess = 128
    else:
        channels = 3 if sizes[3] in (1, 3, 4) else 1
        guess = 3 if axis == channels else 640
    return chosen.setdefault(size, guess) if size else guess
