"""Adds to a Reference what rounding alone does to each output, for a simulator that differs to be judged by."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rkmend.errors import InputError
from rkmend.graph import infer, save
from rkmend.npz import read_npz, write_npz
from rkmend.toolkit.trial import Reference, Sample
from rkmend.verification import samples as sampling
from rkmend.verification.half import in_half
from rkmend.verification.runner import run_model

if TYPE_CHECKING:
    import onnx_ir as ir

    Array = np.ndarray[Any, np.dtype[Any]]

REVISION = 5
"""Raised when noise is measured or compared in another way: remembered Trials are then made anew."""
RUNS = 2
"""Runs with rounding by chance, besides the one that rounds to the nearest."""
CHOOSING = {"ArgMax": 0, "ArgMin": 0, "TopK": 1}
"""Operators that give indices, and which of their outputs these are."""
COMPARING = frozenset({"Greater", "Less", "GreaterOrEqual", "LessOrEqual", "Equal"})
RESHAPING = frozenset({"Cast", "Identity", "Squeeze", "Unsqueeze", "Reshape", "Flatten"})
"""Operators that keep the elements in their order."""
Rounding = Callable[["ir.Model", int], "ir.Model"]
"""A model and a seed -> the model with rounded tensors; by chance unless the seed is 0."""
WATCHED = "rkmend/watched/"
"""Prefix of the outputs that are added to see what a choice is made from."""


def with_noise(
    reference: Reference,
    model: ir.Model,
    samples: Sequence[sampling.Sample],
    folder: Path,
    *,
    rounding: Rounding = in_half,
    runs: int = RUNS,
) -> Reference:
    """Runs the original model in a coarser arithmetic and notes how far each element of its outputs moves.

    Args:
        reference: Of the model.
        model: The original, with inferred shapes.
        samples: Of the reference, as the network gets them.
        folder: For the models and the noise; made if need be.
        rounding: Gives the model in that arithmetic.
        runs: With rounding by chance.

    Returns:
        The reference as it was, but for `measure`, where the model cannot be run like this.
    """
    done = replace(reference, measure=None)
    folder.mkdir(parents=True, exist_ok=True)
    watched, axes = _watched(model)
    chances = [rounding(watched, run + 1) for run in range(runs)]
    try:
        exact, *halves = [
            _run(variant, samples, folder / str(number))
            for number, variant in enumerate([watched, rounding(watched, 0), *chances])
        ]
    except InputError:
        return done
    names = [str(value.name) for value in watched.graph.outputs]
    moved = []
    for number, sample in enumerate(reference.samples):
        path = folder / f"noise-{sample.name}.npz"
        write_npz(path, _arrays(names, axes, exact[number], [half[number] for half in halves]))
        moved.append(replace(sample, noise=path))
    digest = hashlib.sha256(f"{reference.digest} noise {REVISION}, {runs} runs".encode()).hexdigest()
    return replace(done, digest=digest, samples=tuple(moved))


def with_wide_noise(
    reference: Reference, model: ir.Model, samples: Sequence[sampling.Sample], folder: Path
) -> Reference:
    """Measures the noise anew where fp16 is not enough: what is beyond it is left as it is, and the rest rounded.

    Infinities that the simulator gives are wrong all the same; of the others this tells which are mere rounding.

    Args:
        reference: With noise.
        model: The original, with inferred shapes.
        samples: Of the reference, as the network gets them.
        folder: For the models and the noise.
    """
    beyond = [number for number, one in enumerate(reference.samples) if one.noise and not is_finite(one)]
    if not beyond:
        return reference
    few = replace(
        reference,
        digest=f"{reference.digest}, wide",
        samples=tuple(reference.samples[number] for number in beyond),
    )
    rounding = partial(in_half, wide=True)
    wide = with_noise(few, model, [samples[number] for number in beyond], folder, rounding=rounding)
    by_name = {one.name: one for one in wide.samples}
    return replace(wide, samples=tuple(by_name.get(one.name, one) for one in reference.samples))


def is_finite(sample: Sample) -> bool:
    """Whether fp16 is enough for what a model makes of a sample, as far as its noise tells."""
    if sample.noise is None:
        return False
    with np.load(sample.noise) as arrays:
        return all(np.isfinite(arrays[key]).all() for key in arrays.files)


def _run(model: ir.Model, samples: Sequence[sampling.Sample], folder: Path) -> tuple[Path, ...]:
    folder.mkdir(exist_ok=True)
    save(model, folder / "model.onnx")
    return run_model(folder / "model.onnx", samples, folder).outputs


def _watched(model: ir.Model) -> tuple[ir.Model, dict[str, int]]:
    """A copy that also gives what its outputs of indices and truth values are chosen from; the axes of the choices."""
    import onnx_ir as ir

    copy, axes = model.clone(), {}
    graph = copy.graph
    for output in list(graph.outputs):
        node = output.producer()
        index = output.index()
        while node is not None and node.op_type in RESHAPING and node.inputs[0] is not None:
            index, node = node.inputs[0].index(), node.inputs[0].producer()
        if (
            node is None
            or node.graph is not graph
            or output.dtype is None
            or output.dtype.is_floating_point()
        ):
            continue
        source = node.inputs[0] if node.inputs else None
        if (
            source is None
            or source.dtype is None
            or not source.dtype.is_floating_point()
            or source.shape is None
        ):
            continue
        if CHOOSING.get(node.op_type) == index:
            axes[str(output.name)] = _axis(node, len(source.shape))
            watch = ir.node("Identity", [source])
        elif node.op_type in COMPARING and output.dtype == ir.DataType.BOOL:
            axes[str(output.name)] = -1
            watch = ir.node("Sub", list(node.inputs))
        else:
            continue
        watch.name = watch.outputs[0].name = WATCHED + str(output.name)
        watch.outputs[0].type = source.type
        graph.append(watch)
        graph.outputs.append(watch.outputs[0])
    infer(copy)
    return copy, axes


def _axis(node: ir.Node, rank: int) -> int:
    default = -1 if node.op_type == "TopK" else 0
    return node.attributes.get_int("axis", default) % max(rank, 1)


def _arrays(names: Sequence[str], axes: dict[str, int], exact: Path, halves: Sequence[Path]) -> Any:  # noqa: ANN401
    for number, name in enumerate(names):
        key = f"output{number}"
        want = read_npz(exact, key)
        plain = name.removeprefix(WATCHED)
        if want.dtype.kind not in "fiub" or (plain == name and plain in axes):
            continue
        with np.errstate(invalid="ignore", over="ignore"):
            moved = [
                np.abs(read_npz(half, key).astype(np.float32) - want.astype(np.float32)) for half in halves
            ]
        noise = np.max(moved, axis=0)
        if plain == name:
            yield f"noise:{name}", noise
        else:
            yield f"noise:{plain}", _in_three(noise, axes[plain])
            yield f"values:{plain}", _in_three(want, axes[plain])


def _in_three(array: Array, axis: int) -> Array:
    """As [outer, choices, inner]; left alone where there is no axis of choices."""
    if axis < 0:
        return array
    outer, inner = int(np.prod(array.shape[:axis])), int(np.prod(array.shape[axis + 1 :]))
    return array.reshape(outer, array.shape[axis], inner)
