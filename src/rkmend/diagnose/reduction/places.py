"""Places: where the sizes of a model stand, and the same model with other sizes there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from rkmend.diagnose.reduction.change import CannotChange

if TYPE_CHECKING:
    import onnx_ir as ir

Array = np.ndarray[Any, np.dtype[Any]]


class Place(NamedTuple):
    """Where a size stands."""

    kind: Literal["axis", "entry", "attribute"]
    """Axis of a value, entry of an initializer (of a target shape), attribute of a node."""
    name: str
    """Of the value or of the node."""
    at: int
    """Number of the axis or of the entry; of an attribute that is no list 0."""
    attribute: str = ""


def words(place: Place) -> str:
    """A place, as the certificate names it."""
    if place.kind == "attribute":
        return f"{place.attribute} of '{place.name}'"
    return f"{place.kind} {place.at} of '{place.name}'"


def as_list(number: int | Sequence[int]) -> Sequence[int]:
    """An attribute's number or numbers."""
    return [number] if isinstance(number, int) else number


def stored(model: ir.Model) -> Iterator[ir.Value]:
    """The values whose shapes are the model's to choose: its inputs and, of every graph, the initializers."""
    yield from (value for value in model.graph.inputs if not value.is_initializer())
    for graph in model.graphs():
        yield from (value for value in graph.initializers.values() if value.const_value is not None)


def with_sizes(model: ir.Model, sizes: Mapping[Place, int]) -> ir.Model:
    """A model of smaller sizes: initializers keep their leading elements, the others of their tensors are shared.

    Args:
        model: Left as it is.
        sizes: By place. Axes of values that are computed are passed over: they follow.

    Raises:
        CannotChange: A size below 1 (a padding below 0), or beyond the elements that there are.
    """
    edited = model.clone()
    for value in stored(edited):
        axes = {
            at: size for (kind, name, at, _), size in sizes.items() if kind == "axis" and name == value.name
        }
        entries = {
            at: new for (kind, name, at, _), new in sizes.items() if kind == "entry" and name == value.name
        }
        if entries:
            _rewrite(value, entries)
        if axes:
            _cut(value, axes)
    nodes = {node.name: node for node in edited.graph.all_nodes()}
    for (kind, name, at, attribute), number in sizes.items():
        if kind == "attribute":
            set_number(nodes[name], attribute, at, number)
    return edited


def set_number(node: ir.Node, attribute: str, at: int, number: int) -> None:
    """Sets an attribute that is an int, or one entry of one that is a list."""
    import onnx_ir as ir

    old = node.attributes[attribute].value
    if isinstance(old, int):
        node.attributes[attribute] = ir.AttrInt64(attribute, number)
    else:
        node.attributes[attribute] = ir.AttrInt64s(attribute, [*old[:at], number, *old[at + 1 :]])


def replace_content(value: ir.Value, make: Callable[[Array], Array]) -> None:
    """Gives an initializer other content, and the type and shape that go with it."""
    import onnx_ir as ir

    assert value.const_value is not None
    tensor = ir.tensor(make(value.const_value.numpy()), name=value.name)
    value.const_value, value.type, value.shape = (
        tensor,
        ir.TensorType(tensor.dtype),
        ir.Shape(tensor.shape.numpy()),
    )


def _cut(value: ir.Value, axes: Mapping[int, int]) -> None:
    import onnx_ir as ir

    assert value.shape is not None
    shape = [axes.get(axis, size) for axis, size in enumerate(value.shape.numpy())]
    if any(not 1 <= size <= old for size, old in zip(shape, value.shape.numpy(), strict=True)):
        raise CannotChange(f"'{value.name}' of {list(value.shape.numpy())} cannot be cut to {shape}")
    if value.const_value is not None:
        replace_content(value, lambda array: np.ascontiguousarray(array[tuple(map(slice, shape))]))
    else:
        value.shape = ir.Shape(shape)


def _rewrite(value: ir.Value, entries: Mapping[int, int]) -> None:
    def rewritten(array: Array) -> Array:
        array = array.copy()
        for at, number in entries.items():
            array[at] = number
        return array

    replace_content(value, rewritten)
