"""Regions as polynomials: which operators give them, of which degree, and how large their sums can grow."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rkmend.mend.region import Unproved

if TYPE_CHECKING:
    import onnx_ir as ir


class NotPolynomial(Unproved):
    """A region computes something else than polynomials; another kind of evidence may do."""


EXACT = 1 << 24
"""Whole numbers below this are exact in float32, and so are their sums in any order while they stay below."""

MOVING = frozenset({"Concat", "Pad", "Slice"})
"""Operators that put elements elsewhere and compute nothing."""


def longest_sum(model: ir.Model) -> int:
    """The largest number of products that one output of a Conv of a region adds up; 1 if there is no Conv."""
    products = 1
    for node in model.graph:
        if node.op_type == "Conv":
            weight = node.inputs[1]
            assert weight is not None and weight.shape is not None
            products = max(products, math.prod(weight.shape.numpy()[1:]))
    return products


def largest_integers(products: int) -> int:
    """The largest m such that so many products of whole numbers in [-m, m], and one more, sum up exactly."""
    return math.isqrt((EXACT - 1) // (products + 1))


def demand_exact(model: ir.Model, magnitude: int) -> int:
    """Checks that a region of whole numbers is a polynomial that float32 computes without rounding.

    Args:
        model: A region; its weights are whole numbers.
        magnitude: Its inputs are whole numbers in [-magnitude, magnitude].

    Returns:
        The largest degree of an output in inputs and weights together.

    Raises:
        Unproved: An operator is not known to give polynomials, or a sum can reach 2^24.
    """
    import numpy as np

    size: dict[ir.Value, int] = dict.fromkeys(model.graph.inputs, magnitude)
    degree: dict[ir.Value, int] = dict.fromkeys(model.graph.inputs, 1)
    for value in model.graph.initializers.values():
        assert value.const_value is not None
        size[value] = int(np.abs(value.const_value.numpy()).max(initial=0))
        degree[value] = int(value.const_value.dtype.is_floating_point())
    for node in model.graph:
        inputs = [value for value in node.inputs if value is not None]
        output = node.outputs[0]
        if node.op_type == "Conv":
            data, weight, *bias = inputs
            products = _largest_row(weight, size[weight]) * size[data]
            size[output] = products + sum(size[value] for value in bias)
            degree[output] = max(degree[data] + degree[weight], *(degree[value] for value in bias), 0)
        elif node.op_type == "Add":
            size[output] = sum(size[value] for value in inputs)
            degree[output] = max(degree[value] for value in inputs)
        elif node.op_type in MOVING:
            moved = [value for value in inputs if value.dtype is None or value.dtype.is_floating_point()]
            size[output] = max(size[value] for value in moved)
            degree[output] = max(degree[value] for value in moved)
        else:
            raise NotPolynomial(
                f"{node.op_type} is not among the operators whose outputs are known polynomials"
            )
        if size[output] >= EXACT:
            raise Unproved(
                f"the sums of '{node.name}' can reach {size[output]}, too large for exact arithmetic"
            )
    return max(degree[value] for value in model.graph.outputs)


def _largest_row(weight: ir.Value, magnitude: int) -> int:
    """The largest sum of absolute weights that one output of a Conv adds up."""
    import numpy as np

    if weight.const_value is None:
        assert weight.shape is not None
        return magnitude * math.prod(weight.shape.numpy()[1:])
    array = np.abs(weight.const_value.numpy().astype(np.float64))
    return int(array.reshape(array.shape[0], -1).sum(axis=1).max(initial=0))
