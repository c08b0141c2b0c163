"""RKM257: Slice of more than four axes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rkmend.graph.values import static_shape
from rkmend.rules.base import CannotApply, Exactness, Fact, Level
from rkmend.rules.forms import cut, reshaped
from rkmend.rules.operands import slice_bounds
from rkmend.rules.operator import OperatorRule
from rkmend.rules.replacement import Replacement
from rkmend.targets import Target

if TYPE_CHECKING:
    import onnx_ir as ir

KERNEL_AXES = (0, 2, 3)
"""Axes along which a tensor of more than four axes can be cut."""


class SliceRank(OperatorRule):
    """A Slice of a tensor with five or more axes, along the second or one after the fourth.

    ## What happens

    `build` dies of SIGABRT, without a message or with

        terminate called after throwing an instance of 'std::out_of_range'
        what():  vector::_M_range_check

    ## Why

    The compiler's Slice thinks in [N, C, H, W].

    ## Example

    `Slice` of [2, 3, 4, 5, 6] along the last axis: one coordinate of the boxes of two images.

    ## What rkmend does

    * `three-axes`: joins the axes before and the axes after the one that is cut, so that the tensor has three. Several
      axes are cut one after the other.

    ## Exactness and its limits

    Exact.

    ## Evidence

    Toolkit 2.3.2, rk3588: of 26 forms of rank 5 and 6 those 12 aborted whose first axis of more than one element is
    followed by four others or more, and that cut the axis right after it, or one four or more places after it.
    """

    code = "RKM257"
    name = "slice-rank"
    level = Level.ERROR
    operators = frozenset({"Slice"})
    mend = "three-axes"
    summary = "Joins the axes before and after the one that is cut."
    exactness = Exactness.EXACT

    def holds(self, node: ir.Node, target: Target) -> Mapping[str, Fact] | None:
        """More than four axes, an axis that the kernel does not know; leading axes of one element do not count."""
        shape, cuts = static_shape(node.inputs[0]), slice_bounds(node)
        if shape is None or cuts is None:
            return None
        ones = next((axis for axis, size in enumerate(shape) if size > 1), len(shape))
        axes = [axis for axis, *_ in cuts if axis - ones not in KERNEL_AXES]
        if len(shape) - ones < 5 or not axes:
            return None
        return {"rank": len(shape), "axes": " ".join(map(str, axes))}

    def rewrite(self, node: ir.Node, new: Replacement) -> Sequence[ir.Value | None]:
        """Reshape and Slice for each axis, then Reshape."""
        value, shape, made = node.inputs[0], static_shape(node.inputs[0]), static_shape(node.outputs[0])
        cuts = slice_bounds(node)
        if value is None or shape is None or made is None or cuts is None:
            raise CannotApply("its shape or its bounds are not known")
        sizes = list(shape)
        for axis, start, end, step in cuts:
            three = [math.prod(sizes[:axis]), sizes[axis], math.prod(sizes[axis + 1 :])]
            value = cut(new, "slice", reshaped(new, "three_axes", value, three), 1, start, end, step)
            sizes[axis] = made[axis]
        return [reshaped(new, "all_axes", value, made)]
