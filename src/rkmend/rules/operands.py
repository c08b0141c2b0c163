"""What stands at the inputs of an operator, what it is told there, and who else is concerned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rkmend.graph.values import static_shape
from rkmend.rules.base import CannotApply

if TYPE_CHECKING:
    import numpy as np
    import onnx_ir as ir

    Array = np.ndarray[Any, np.dtype[Any]]


def operand(node: ir.Node, place: int) -> ir.Value | None:
    """An input; None where it is left out."""
    return node.inputs[place] if place < len(node.inputs) else None


def known_shape(value: ir.Value | None) -> tuple[int, ...]:
    """The shape of a tensor.

    Raises:
        CannotApply: A size is open.
    """
    shape = static_shape(value)
    if shape is None:
        raise CannotApply(f"the shape of '{value.name if value else ''}' is not known")
    return shape


def is_constant(value: ir.Value | None) -> bool:
    """Whether the content is part of the model."""
    import onnx_ir as ir

    return value is not None and ir.convenience.get_const_tensor(value) is not None


def constant_of(value: ir.Value | None) -> Array | None:
    """The content of an initializer or of a Constant node; None where it is computed while the model runs.

    Initializers that old models list among the inputs are constants: the toolkit bakes them in.
    """
    import onnx_ir as ir

    tensor = None if value is None else ir.convenience.get_const_tensor(value)
    return None if tensor is None else tensor.numpy()


def numbers_of(value: ir.Value | None, what: str) -> Array:
    """The content of a constant; `what` as in "the weights are".

    Raises:
        CannotApply: It is computed while the model runs.
    """
    array = constant_of(value)
    if array is None:
        raise CannotApply(f"{what} computed while the model runs ('{value.name if value else ''}')")
    return array


def number_of(value: ir.Value | None) -> float | None:
    """The number that a constant of one element holds."""
    import onnx_ir as ir

    tensor = None if value is None else ir.convenience.get_const_tensor(value)
    if tensor is None or tensor.size != 1:
        return None
    array = tensor.numpy()
    return float(array.item()) if array.dtype.kind in "biuf" else None


def reduced_axes(node: ir.Node) -> list[int] | None:
    """The axes that a reduction is over, ascending, none where it is told to do nothing; None if not known."""
    axes = axes_as_given(node)
    return None if axes is None else sorted(set(axes))


def axes_as_given(node: ir.Node) -> list[int] | None:
    """The same in the order in which the model names them."""
    axes: Sequence[int] = node.attributes.get_ints("axes", ())
    given = operand(node, 1)
    if given is not None:
        content = constant_of(given)
        if content is None:
            return None
        axes = [int(axis) for axis in content.reshape(-1)]
    if not axes and node.attributes.get_int("noop_with_empty_axes", 0) == 1:
        return []
    data = node.inputs[0]
    if data is None or data.shape is None:
        return None
    rank = len(data.shape)
    return [axis % rank for axis in axes] if axes else list(range(rank))


def slice_bounds(node: ir.Node) -> list[tuple[int, int, int, int]] | None:
    """Axis, start, end and step of every axis that a Slice cuts, attributes or inputs; None if not known."""
    data = node.inputs[0]
    if data is None or data.shape is None:
        return None
    given: dict[str, list[int]] = {}
    for place, name in enumerate(("starts", "ends", "axes", "steps"), start=1):
        value = operand(node, place)
        if value is not None:
            content = constant_of(value)
            if content is None:
                return None
            given[name] = content.reshape(-1).tolist()
        elif name in node.attributes:
            given[name] = list(node.attributes.get_ints(name, ()))
    count = len(given["starts"])
    axes = [axis % len(data.shape) for axis in given.get("axes", range(count))]
    steps = given.get("steps", [1] * count)
    return list(zip(axes, given["starts"], given["ends"], steps, strict=True))


def only_maker(value: ir.Value | None) -> ir.Node | None:
    """The node that makes a value, if one input of one node alone reads it."""
    if value is None or value.is_graph_output() or len(value.uses()) != 1:
        return None
    return value.producer()


def only_reader(value: ir.Value) -> ir.Node | None:
    """The node that reads a value, if one input of it alone does."""
    uses = tuple(value.uses())
    return uses[0].node if len(uses) == 1 and not value.is_graph_output() else None
