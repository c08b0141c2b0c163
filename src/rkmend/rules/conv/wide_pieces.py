"""RKM109: an operator on more channels, rows or columns than the NPU can count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from rkmend.graph.values import static_shape
from rkmend.rules.base import CannotApply, Exactness, Fact, Level
from rkmend.rules.conv.limits import MAX_SIZE, even_parts, two_factors
from rkmend.rules.conv.pooling import counts_padding, demand_no_indices, pool_attributes
from rkmend.rules.conv.sliding import Sliding
from rkmend.rules.forms import cut, joined, reshaped, split
from rkmend.rules.operands import is_constant, numbers_of
from rkmend.rules.operator import OperatorRule
from rkmend.rules.replacement import Replacement
from rkmend.targets import Target

if TYPE_CHECKING:
    import onnx_ir as ir

ATOM = 16
"""Channels that are stored together: 16 of int8, twice the 8 of fp16."""


class WidePieces(OperatorRule):
    """A depthwise Conv or a pooling with an axis of more than 8192 elements.

    ## What happens

    The build says it succeeded, but the compiler has written a number into a register that is too narrow for it, so the
    layer fails on the board or computes something else:

        E RKNN: REGTASK: The bit width of field value exceeds the limit, target: v2, offset: 0x403c, shift = 0,
        limit: 0x1fff, value: 0x20df

    ## Why

    Sizes have 13 bits in the units for pooling and for element-wise work. The toolkit cuts a Conv into pieces that
    fit, but not a depthwise one, and no pooling.

    ## Example

    Depthwise `Conv` 3x3 on 8400 channels; `MaxPool` along 9000 samples; `GlobalMaxPool` of 1x9000.

    ## What rkmend does

    * `pieces`: does the same on pieces of the axis and joins the results. Pieces of rows or columns overlap by what the
      windows see. A GlobalMaxPool over such an axis gets the same elements as a map that is nearly square.

    ## Exactness and its limits

    `exact`: each output is computed from the same numbers in the same order. Weights of a depthwise Conv have to be
    constant. Cutting columns takes a wide Slice, which RKM107 mends if it fails in its turn. Rows of a map with up to 4
    channels overflow in pieces, too (0x504c).

    ## Evidence

    Toolkit 2.3.2 and 2.5.0, rk3588, fp16: a depthwise Conv of 8200 or 8400 channels overflows (register 0x403c), and so
    do MaxPool and AveragePool with 9000 channels, rows or columns (0x6014, 0x6010, 0x600c). An ordinary Conv of these
    sizes converts rightly. A GlobalMaxPool of 9000, 9013 or 16400 channels overflows (0x6014); in pieces it converts
    behind another operator. As the first operator, it does for maps of 8x8; an input of 9000x7x7 already overflows
    where it comes in (0x403c).
    """

    code = "RKM109"
    name = "axis-over-8192"
    level = Level.ERROR
    operators = frozenset({"Conv", "MaxPool", "AveragePool", "GlobalMaxPool"})
    mend = "pieces"
    summary = "Does the same on pieces of the long axis and joins the results."
    exactness = Exactness.EXACT

    def holds(self, node: ir.Node, target: Target) -> Mapping[str, Fact] | None:
        """Four axes, one of them too long; of a Conv the channels, and they are its groups."""
        shape = static_shape(node.inputs[0])
        if shape is None or len(shape) != 4 or (axis := _long(shape)) is None:
            return None
        if node.op_type == "Conv":
            depthwise = node.attributes.get_int("group", 1) == shape[1] > MAX_SIZE
            if not depthwise or not all(is_constant(value) for value in node.inputs[1:] if value is not None):
                return None
            axis = 1
        if node.op_type == "GlobalMaxPool" and axis != 1 and not two_factors(shape[2] * shape[3], MAX_SIZE):
            return None
        return {"axis": axis, "size": shape[axis]}

    def rewrite(self, node: ir.Node, new: Replacement) -> Sequence[ir.Value | None]:
        """Split or Slices, the operator as often, Concat."""
        shape, data = static_shape(node.inputs[0]), node.inputs[0]
        assert shape is not None and data is not None
        demand_no_indices(node)
        if shape[1] > MAX_SIZE:
            value = _by_channels(node, new, data, _channels(shape[1]))
        elif node.op_type == "GlobalMaxPool":
            folded = two_factors(shape[2] * shape[3], MAX_SIZE)
            assert folded is not None
            value = new.node("pool", node.op_type, [reshaped(new, "map", data, [*shape[:2], *folded])])
        else:
            value = _by_windows(node, new, data)
        return [value, *[None] * (len(node.outputs) - 1)]


def _long(shape: tuple[int, ...]) -> int | None:
    return next((axis for axis in (1, 2, 3) if shape[axis] > MAX_SIZE), None)


def _channels(count: int) -> list[int]:
    """Pieces that, but for the last one, are whole atoms: so joining them stays on the NPU."""
    sizes = [atoms * ATOM for atoms in even_parts(-(-count // ATOM), MAX_SIZE // ATOM)]
    return [*sizes[:-1], count - sum(sizes[:-1])]


def _by_channels(node: ir.Node, new: Replacement, data: ir.Value, sizes: list[int]) -> ir.Value:
    attributes: dict[str, Any] = dict(node.attributes)
    if node.op_type == "Conv":
        weights = [numbers_of(value, "the weights are") for value in node.inputs[1:] if value is not None]
        times = weights[0].shape[0] // sum(sizes)
    parts = []
    for part, size, end in zip(split(new, "split", data, 1, sizes), sizes, accumulate(sizes), strict=True):
        inputs = [part]
        if node.op_type == "Conv":
            of_part = slice((end - size) * times, end * times)
            inputs += [new.constant("weight", array[of_part].copy()) for array in weights]
            attributes = {**node.attributes, "group": size}
        parts.append(new.node("piece", node.op_type, inputs, attributes))
    return joined(new, "joined", parts, 1)


def _by_windows(node: ir.Node, new: Replacement, data: ir.Value) -> ir.Value:
    """Pieces of rows or columns of a MaxPool or an AveragePool."""
    pool = Sliding.read(node)
    assert pool is not None
    number = next(i for i, axis in enumerate(pool.axes) if axis.size > MAX_SIZE)
    counted = node.op_type == "AveragePool" and counts_padding(node)
    axes, axis = list(pool.reaching()), pool.reaching()[number]
    if counted and axis.pad_end > pool.axes[number].pad_end:
        raise CannotApply("the last window reaches beyond padding that counts")
    parts, done = [], 0
    for count in even_parts(axis.outputs, max(1, (MAX_SIZE - axis.extent) // axis.stride)):
        first = done * axis.stride - axis.pad_begin
        last = first + (count - 1) * axis.stride + axis.extent
        start, end = max(0, first), min(axis.size, last)
        axes[number] = replace(axis, size=end - start, pad_begin=start - first, pad_end=last - end)
        attributes = pool_attributes(axes) | ({"count_include_pad": 1} if counted else {})
        piece = cut(new, "slice", data, 2 + number, start, end)
        parts.append(new.node("piece", node.op_type, [piece], attributes))
        done += count
    return joined(new, "joined", parts, 2 + number)
