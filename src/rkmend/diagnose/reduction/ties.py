"""Ties: which sizes of a model have to change together, so that a smaller one leaves a valid model."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rkmend.diagnose.reduction.formulas import formula
from rkmend.diagnose.reduction.places import Place, as_list
from rkmend.diagnose.reduction.windows import Window, windows
from rkmend.graph.values import static_shape

if TYPE_CHECKING:
    import onnx_ir as ir


@dataclass(frozen=True)
class Term:
    """A size that follows from a base: `factor * base + offset`, or what a window makes of the base."""

    place: Place
    factor: int = 1
    offset: int = 0
    window: Window | None = None

    def size(self, base: int) -> int:
        """The size that goes with a base; below 1 when there is none."""
        return self.window.outputs(base) if self.window else self.factor * base + self.offset

    def base(self, size: int) -> int | None:
        """A base that goes with a size; None when there is none."""
        if self.window:
            return self.window.inputs(size)
        base, rest = divmod(size - self.offset, self.factor)
        return None if rest else base


@dataclass(frozen=True)
class Tie:
    """Sizes that change together.

    Attributes:
        terms: All of the same base.
        choice: Of ties with the same choice one is enough: a concatenation shrinks when one of its inputs does.
    """

    terms: tuple[Term, ...]
    choice: str = ""


def ties(node: ir.Node, *, by_groups: bool) -> Iterator[Tie]:
    """The ties between the sizes of one operator; see `formula` for the arguments."""
    if node.op_type in ("Reshape", "Flatten", "Squeeze", "Unsqueeze"):
        yield from _regrouped(node)
    elif node.op_type in ("Concat", "Split"):
        yield from _joined(node)
    elif node.op_type in ("Pad", "Resize", "Upsample", "Tile"):
        yield from _resized(node)
    else:
        yield from _labelled(node, formula(node, by_groups=by_groups))
    for axis, window in enumerate(windows(node), start=2):
        data, result = _axis(node.inputs[0], axis), _axis(node.outputs[0], axis)
        yield Tie((Term(data), Term(result, window=window)))
    yield from _target(node)


def _labelled(node: ir.Node, text: str) -> Iterator[Tie]:
    """The ties of a formula. Axes of one name and different sizes (broadcasting) are not tied."""
    text, *attributes = text.split(";")
    left, _, right = text.partition("->")
    terms: dict[tuple[str, int], list[Term]] = defaultdict(list)

    def add(place: Place, label: str, size: int) -> None:
        match = re.fullmatch(r"(\d*)(.+)", label)
        assert match
        factor = int(match[1] or 1)
        if factor and size % factor == 0 and size > factor:
            terms[match[2], size // factor].append(Term(place, factor))

    for values, part in ((node.inputs, left), (node.outputs, right)):
        for value, labels in zip(values, part.split(","), strict=False):
            for axis, (label, size) in enumerate(_spelt_out(labels.split(), static_shape(value) or ())):
                add(_axis(value, axis), label, size)
    for name, *letters in map(str.split, attributes):
        if name in node.attributes:
            numbers = as_list(node.attributes[name].value)
            for index, (label, size) in enumerate(zip(letters, numbers, strict=False)):
                add(Place("attribute", str(node.name), index, name), label, size)
    for tied in terms.values():
        if len({term.place for term in tied}) > 1:
            yield Tie(tuple(tied))


def _spelt_out(labels: list[str], shape: tuple[int, ...]) -> Iterator[tuple[str, int]]:
    """The label and the size of each axis."""
    if "..." in labels:
        at, more = labels.index("..."), len(shape) - len(labels) + 1
        labels[at : at + 1] = [f".{more - index}" for index in range(more)]
    return zip(labels[max(0, len(labels) - len(shape)) :], shape, strict=False)


def _regrouped(node: ir.Node) -> Iterator[Tie]:
    """The same elements in the same order: axes are merged, split, or stay."""
    before, after = static_shape(node.inputs[0]), static_shape(node.outputs[0])
    if not before or not after or math.prod(before) != math.prod(after) or 0 in before:
        return
    left, right = ([axis for axis, size in enumerate(shape) if size > 1] for shape in (before, after))
    while left and right:
        first, second = [left.pop(0)], [right.pop(0)]
        while (ours := math.prod(before[axis] for axis in first)) != (
            theirs := math.prod(after[axis] for axis in second)
        ):
            first += [left.pop(0)] if ours < theirs else []
            second += [right.pop(0)] if theirs < ours else []
        whole = math.prod(before[axis] for axis in first)
        choice = f"{node.name} {first[0]}"
        if len(second) == 1:
            for axis in first:
                rest = Term(_axis(node.outputs[0], second[0]), whole // before[axis])
                yield Tie((Term(_axis(node.inputs[0], axis)), rest), choice)
        elif len(first) == 1:
            for axis in second:
                rest = Term(_axis(node.inputs[0], first[0]), whole // after[axis])
                yield Tie((Term(_axis(node.outputs[0], axis)), rest), choice)


def _joined(node: ir.Node) -> Iterator[Tie]:
    """Concat and Split: along the axis the whole is the sum of its parts."""
    joins = node.op_type == "Concat"
    whole, parts = (node.outputs[0], node.inputs) if joins else (node.inputs[0], node.outputs)
    shape = static_shape(whole)
    if not shape or any(static_shape(part) is None for part in parts):
        return
    joined = node.attributes.get_int("axis", 0) % len(shape)
    for axis in (axis for axis in range(len(shape)) if axis != joined):
        yield Tie(tuple(Term(_axis(value, axis)) for value in (whole, *parts)))
    sizes = {part: (static_shape(part) or ())[joined] for part in parts}
    equal = not joins and len(set(sizes.values())) == 1 and (len(node.inputs) == 1 or node.inputs[1] is None)
    if equal and "split" not in node.attributes:
        yield Tie((Term(_axis(whole, joined), len(parts)), *(Term(_axis(part, joined)) for part in parts)))
    elif joins:
        for part, times in Counter(parts).items():
            rest = shape[joined] - times * sizes[part]
            yield Tie((Term(_axis(part, joined)), Term(_axis(whole, joined), times, rest)), f"{node.name}")


def _resized(node: ir.Node) -> Iterator[Tie]:
    """Axis by axis: a constant more or less, or a whole multiple."""
    before, after = static_shape(node.inputs[0]) or (), static_shape(node.outputs[0]) or ()
    for axis, (size, new) in enumerate(zip(before, after, strict=False)):
        data, result = _axis(node.inputs[0], axis), _axis(node.outputs[0], axis)
        if node.op_type == "Pad":
            yield Tie((Term(data), Term(result, offset=new - size)))
        elif size and new % size == 0:
            yield Tie((Term(data), Term(result, new // size)))
        elif new and size % new == 0:
            yield Tie((Term(data, size // new), Term(result)))


_TARGETS = {"Reshape": 1, "Expand": 1, "ConstantOfShape": 0, "Resize": 3}
"""Which input of an operator is the shape of its output."""


def _target(node: ir.Node) -> Iterator[Tie]:
    """The entries of a stored target shape and the axes of the output."""
    at = _TARGETS.get(node.op_type)
    value = node.inputs[at] if at is not None and at < len(node.inputs) else None
    shape = static_shape(node.outputs[0])
    if value is None or not shape or not value.is_initializer() or value.const_value is None:
        return
    entries = value.const_value.numpy().tolist()
    for index, entry in enumerate(entries):
        axis = len(shape) - len(entries) + index  # Expand aligns on the right
        if entry == shape[axis] > 1:
            yield Tie((Term(Place("entry", str(value.name), index)), Term(_axis(node.outputs[0], axis))))


def _axis(value: ir.Value | None, axis: int) -> Place:
    assert value is not None
    return Place("axis", str(value.name), axis)
