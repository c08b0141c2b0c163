"""A Conv as a sum of Convs, each with a part of the taps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

from rkmend.rules.base import CannotApply
from rkmend.rules.conv.limits import even_parts
from rkmend.rules.conv.sliding import Sliding, window_attributes
from rkmend.rules.forms import cut
from rkmend.rules.operands import numbers_of, operand
from rkmend.tiling.conv import Axis

if TYPE_CHECKING:
    import onnx_ir as ir

    from rkmend.rules.replacement import Replacement


@dataclass(frozen=True)
class _Part:
    """Some consecutive taps along one axis.

    Attributes:
        taps: Which.
        data: Which elements of the input are read, or lie between such.
        axis: Over them; its outputs are those of the whole.
    """

    taps: slice
    data: slice
    axis: Axis


def by_taps(node: ir.Node, new: Replacement, counts: Sequence[int]) -> ir.Value:
    """Computes a Conv by parts of its kernel and adds them up.

    Args:
        node: A Conv with known shapes and constant weights.
        new: Takes the nodes.
        counts: Into how many parts the kernel is cut along each spatial axis.

    Raises:
        CannotApply: No window sees anything but padding.
    """
    import numpy as np

    conv = Sliding.read(node)
    assert conv is not None
    weight, bias = numbers_of(node.inputs[1], "the weights are"), operand(node, 2)
    group = node.attributes.get_int("group", 1)
    total: ir.Value | None = None
    for number, parts in enumerate(product(*map(_parts, conv.axes, counts))):
        value = node.inputs[0]
        assert value is not None
        for place, part in enumerate(parts):
            if part.data != slice(0, conv.axes[place].size):
                start, stop = part.data.start, part.data.stop
                value = cut(new, f"data{number}_{place}", value, 2 + place, start, stop)
        taps = weight[tuple([slice(None)] * 2 + [part.taps for part in parts])]
        inputs = [value, new.constant(f"weight{number}", np.ascontiguousarray(taps))]
        if total is None and bias is not None:
            inputs.append(bias)
        attributes = window_attributes(tuple(part.axis for part in parts), group=group)
        value = new.node(f"conv{number}", "Conv", inputs, attributes)
        total = value if total is None else new.node(f"sum{number}", "Add", [total, value])
    if total is None:
        raise CannotApply("no window sees anything but padding")
    return total


def _parts(axis: Axis, count: int) -> Iterator[_Part]:
    """The parts that see some of the input."""
    first = 0
    for taps in even_parts(axis.kernel, -(-axis.kernel // count)):
        begin = axis.pad_begin - first * axis.dilation
        needed = (axis.outputs - 1) * axis.stride + (taps - 1) * axis.dilation + 1 - max(0, begin)
        start, stop = max(0, -begin), min(axis.size, max(0, -begin) + needed)
        if start < stop:
            over = Axis(
                size=stop - start,
                kernel=taps,
                stride=axis.stride,
                dilation=axis.dilation,
                pad_begin=max(0, begin),
                pad_end=needed - (stop - start),
            )
            yield _Part(slice(first, first + taps), slice(start, stop), over)
        first += taps
