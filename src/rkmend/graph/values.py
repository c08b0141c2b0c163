"""What is known of a value: reading it and adding to it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import onnx
    import onnx_ir as ir

SMALL = 4096
"""Elements up to which a tensor is taken for a shape, an index or a scale, whose content inference needs."""


_INTEGERS = frozenset({int})


def without_invented_names(shape: ir.Shape | None) -> ir.Shape | None:
    """A shape without the names that the inference makes up for unknown sizes, new ones each time."""
    import onnx_ir as ir

    return shape and ir.Shape(None if str(size).startswith("unk__") else size for size in shape)


def describe(value: ir.Value, tensor: ir.TensorProtocol) -> None:
    """Type and shape from the content."""
    import onnx_ir as ir

    value.type, value.shape = ir.TensorType(tensor.dtype), ir.Shape(tensor.shape.numpy())


def merge(value: ir.Value, kind: ir.TypeProtocol | None, shape: ir.Shape | None) -> None:
    """What was inferred wins over the annotation, size by size where it says something."""
    import onnx_ir as ir

    value.type = kind or value.type
    if shape is not None:
        old = value.shape if value.shape is not None and len(value.shape) == len(shape) else shape
        value.shape = ir.Shape(
            new if isinstance(new, int) else known for new, known in zip(shape, old, strict=True)
        )


def common(first: ir.Shape | None, second: ir.Shape | None) -> ir.Shape | None:
    """What two shapes agree on."""
    import onnx_ir as ir

    if first is None or second is None or len(first) != len(second):
        return None
    return ir.Shape(size if size == other else None for size, other in zip(first, second, strict=True))


def static_shape(value: ir.Value | None) -> tuple[int, ...] | None:
    """The shape, if every size is known."""
    shape = None if value is None else value.shape
    if shape is None:
        return None
    sizes = shape.dims
    return sizes if _INTEGERS.issuperset(map(type, sizes)) else None  # type: ignore[return-value]


def is_small(value: ir.Value) -> bool:
    """Whether the shape is known and holds no more than `SMALL` elements."""
    shape = static_shape(value)
    return shape is not None and math.prod(shape) <= SMALL


def content_of(value: ir.Value | None) -> np.ndarray | None:
    """The numbers of a value, when they are known, few, and of a kind that numpy has."""
    if value is None or value.const_value is None or value.const_value.size > SMALL:
        return None
    array = value.const_value.numpy()
    return array if array.dtype.kind in "biuf" else None


def type_proto(value: ir.Value) -> onnx.TypeProto:
    """Type and shape of a value whose type is known, as the onnx package takes them."""
    import onnx_ir as ir

    assert value.type is not None
    proto = ir.serde.serialize_type(value.type)
    if value.shape is not None:
        ir.serde.serialize_shape_into(proto, value.shape)
    return proto
