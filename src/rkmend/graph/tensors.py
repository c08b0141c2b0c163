"""Putting other tensors in the place of a model's weights while it is serialised."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx_ir as ir


def weights(model: ir.Model) -> list[ir.TensorProtocol]:
    """The tensors of all initializers, in graph order, those of subgraphs included."""
    return [tensor for value in _initialized(model) if (tensor := value.const_value) is not None]


@contextmanager
def replaced_tensors(
    model: ir.Model, replacement: Callable[[ir.TensorProtocol], ir.TensorProtocol]
) -> Iterator[ir.Model]:
    """The model with other tensors for its initializers, until the block ends.

    Models of gigabytes are handled without a copy of their weights this way. The model must not be used
    by another thread meanwhile.
    """
    values = [value for value in _initialized(model) if value.const_value is not None]
    before = [value.const_value for value in values]
    try:
        for value in values:
            assert value.const_value is not None
            value.const_value = replacement(value.const_value)
        yield model
    finally:
        for value, tensor in zip(values, before, strict=True):
            value.const_value = tensor


def reference_to(tensor: ir.TensorProtocol, location: str) -> ir.ExternalTensor:
    """A tensor of the same kind that says no more than where its content is."""
    import onnx_ir as ir

    return ir.ExternalTensor(
        location, None, None, tensor.dtype, shape=ir.Shape(tensor.shape.numpy()), name=tensor.name or ""
    )


def _initialized(model: ir.Model) -> list[ir.Value]:
    return [value for graph in model.graphs() for value in graph.initializers.values()]
