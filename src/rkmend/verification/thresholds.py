"""Samples for inputs that a model compares with numbers of its own: limits, of which random ones leave nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rkmend.graph import Model, TensorSpec
from rkmend.graph.model import graph_inputs
from rkmend.npz import write_npz
from rkmend.verification.samples import Sample

if TYPE_CHECKING:
    import onnx_ir as ir

    Array = np.ndarray[Any, np.dtype[Any]]

MARGIN = 0.3
"""A limit is drawn from this share of the numbers at either end, so that most of them are within the limits."""
PASSING = frozenset({"Cast", "Identity", "Reshape", "Squeeze", "Unsqueeze"})
"""Operators through which a limit keeps its value."""
BELOW = {"Greater": 1, "GreaterOrEqual": 1, "Less": 0, "LessOrEqual": 0}
"""Comparisons, and which operand has to be small for them to hold."""


def make_limits(model: Model, samples: Sequence[Sample], folder: Path) -> tuple[Sample, ...]:
    """Writes the samples once more, with limits that let most numbers pass.

    Args:
        model: With static inputs.
        samples: Of its inputs.
        folder: Exists.

    Returns:
        `normal-within-limits` for `normal`, and so on; none where the model compares no input with numbers of its own.
    """
    places = {value.name: place for place, value in enumerate(graph_inputs(model.ir.graph))}
    limits = {
        places[value.name]: limit
        for value in graph_inputs(model.ir.graph)
        if (limit := _limit(value)) is not None
    }
    if not limits:
        return ()
    return tuple(
        _sample(sample, limits, model.inputs, folder, number) for number, sample in enumerate(samples)
    )


def _sample(
    base: Sample,
    limits: Mapping[int, tuple[Array, bool]],
    specs: Sequence[TensorSpec],
    folder: Path,
    number: int,
) -> Sample:
    random = np.random.default_rng(number)
    with np.load(base.path) as arrays:
        given = [arrays[f"input{place}"] for place in range(len(specs))]
    for place, (numbers, low) in limits.items():
        share = random.uniform(0, MARGIN, given[place].shape)
        given[place] = np.quantile(numbers, share if low else 1 - share).astype(given[place].dtype)
    name = f"{base.name}-within-limits"
    sample = Sample(name, folder / f"{name}.npz")
    write_npz(sample.path, ((f"input{place}", array) for place, array in enumerate(given)))
    return sample


def _limit(value: ir.Value) -> tuple[Array, bool] | None:
    """The numbers that an input is compared with, and whether it has to be below them."""
    import onnx_ir as ir

    for node, place in value.uses():
        if node.op_type in PASSING and not node.domain and (found := _limit(node.outputs[0])) is not None:
            return found
        if node.op_type in BELOW and not node.domain:
            tensor = ir.convenience.get_const_tensor(other) if (other := node.inputs[1 - place]) else None
            if tensor is not None and tensor.size:
                return tensor.numpy().reshape(-1), place == BELOW[node.op_type]
    return None
