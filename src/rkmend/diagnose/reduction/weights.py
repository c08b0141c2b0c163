"""Weights: random numbers that a script can make again instead of trained ones, then one number everywhere.

Which content is simpler than which is a strict order: any other > the seeded numbers > one number everywhere >
ones > zeros. So the weights change a few times at most.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from rkmend.diagnose.reduction.change import Change
from rkmend.diagnose.reduction.places import Array, replace_content

if TYPE_CHECKING:
    import onnx_ir as ir

RANDOM_WEIGHTS = "weights"
"""The `element` of the Change that replaces all weights by seeded numbers."""
SEED = 0
SCALE = 0.05
"""Of seeded tensors of more than one axis, so that deep models neither overflow nor die out."""
_FLOATS = ("FLOAT", "FLOAT16", "DOUBLE", "BFLOAT16")
_SETTINGS = {
    "BatchNormalization": (4,),
    "DequantizeLinear": (1,),
    "QLinearConv": (1, 4, 6),
    "QLinearMatMul": (1, 4, 6),
    "QuantizeLinear": (1,),
    "Resize": (1, 2),
    "Upsample": (1,),
}
"""Inputs that are no weights, and for which some numbers make no sense: variances, scales and regions."""


class Content(IntEnum):
    """What is in a tensor, the simplest first."""

    ZEROS = 0
    ONES = 1
    CONSTANT = 2
    SEEDED = 3
    OTHER = 4


def random_weights(model: ir.Model) -> Iterator[Change]:
    """The Change that gives all weights at once the numbers of `seeded`, unless they have them."""
    if not is_seeded(model):
        yield Change(RANDOM_WEIGHTS, "replaced by seeded random numbers", seeded)


def constant_weights(model: ir.Model) -> Iterator[Change]:
    """Each float initializer as zeros, and as ones."""
    for value in _float_initializers(model):
        content = _content(_array(value))
        for simpler in (Content.ZEROS, Content.ONES):
            if simpler < content:
                apply = partial(_filled, str(value.name), int(simpler))
                yield Change(f"values of '{value.name}'", f"all {int(simpler)}", apply)


def is_seeded(model: ir.Model) -> bool:
    """Whether `seeded` would change nothing."""
    return all(np.array_equal(_array(value), numbers) for value, numbers in _draws(model))


def seeded(model: ir.Model) -> ir.Model:
    """The model with seeded numbers for weights.

    They come from `numpy.random.default_rng(SEED).standard_normal(shape)`, called for one float initializer after
    the other in order of the model, times `SCALE` for those of more than one axis, and cast. Initializers
    that hold one number everywhere, and those that are settings of an operator, stay as they are.
    """
    edited = model.clone()
    for value, numbers in _draws(edited):
        replace_content(value, partial(_instead, numbers))
    return edited


def content_of_weights(model: ir.Model) -> dict[str, Content]:
    """What is in each float initializer, by name."""
    drawn = {value.name: numbers for value, numbers in _draws(model)}
    found = {}
    for value in _float_initializers(model):
        content = _content(_array(value))
        same = value.name in drawn and np.array_equal(_array(value), drawn[value.name])
        found[str(value.name)] = Content.SEEDED if same else content
    return found


def _draws(model: ir.Model) -> Iterator[tuple[ir.Value, Array]]:
    """The initializers that seeded numbers may replace, with the numbers."""
    random = np.random.default_rng(SEED)
    for value in _float_initializers(model):
        array = _array(value)
        if _content(array) is Content.OTHER and not any(
            index in _SETTINGS.get(node.op_type, ()) for node, index in value.uses()
        ):
            scale = SCALE if array.ndim > 1 else 1.0
            yield value, np.asarray(random.standard_normal(array.shape) * scale).astype(array.dtype)


def _float_initializers(model: ir.Model) -> Iterator[ir.Value]:
    for graph in model.graphs():
        for value in graph.initializers.values():
            if value.const_value is not None and value.const_value.dtype.name in _FLOATS:
                yield value


def _array(value: ir.Value) -> Array:
    assert value.const_value is not None
    return value.const_value.numpy()


def _content(array: Array) -> Content:
    """What is in a tensor, as far as it says so itself."""
    if array.size and not (array == array.flat[0]).all():
        return Content.OTHER
    number = float(array.flat[0]) if array.size else 0.0
    return {0.0: Content.ZEROS, 1.0: Content.ONES}.get(number, Content.CONSTANT)


def _instead(new: Array, _old: Array) -> Array:
    return new


def _filled(name: str, number: int, model: ir.Model) -> ir.Model:
    edited = model.clone()
    for graph in edited.graphs():
        if name in graph.initializers:
            replace_content(graph.initializers[name], lambda array: np.full_like(array, number))
    return edited
