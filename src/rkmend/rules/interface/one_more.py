"""Forms of a tensor that the toolkit keeps apart from it: a copy, and a constant that looks computed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rkmend.graph.model import graph_inputs
from rkmend.graph.values import static_shape
from rkmend.rules.base import CannotApply
from rkmend.rules.forms import clipped, reshaped, sliced
from rkmend.rules.replacement import Replacement

if TYPE_CHECKING:
    import onnx_ir as ir

INTEGERS = ("INT32", "INT64")
FLOATS = ("FLOAT", "FLOAT16")


def copied(new: Replacement, source: ir.Value, shape: tuple[int, ...] | None) -> ir.Value:
    """A copy of `source` in another shape: its maximum with itself, with four axes where it has fewer.

    With fewer the toolkit leaves a Max to the CPU.
    """
    kind = _dtype(source)
    if kind == "BOOL":
        copy = new.node("copy", "Or", [source, source])
    elif kind not in (*FLOATS, *INTEGERS):
        raise CannotApply(f"no copy of '{source.name}' is known that the toolkit keeps: it is {kind}")
    else:
        sizes = static_shape(source)
        wide = {1: (1, *(sizes or ()), 1, 1), 2: (*(sizes or ()), 1, 1), 3: (*(sizes or ()), 1)}
        four = wide.get(len(sizes)) if sizes and kind in FLOATS else None
        if four:
            source = reshaped(new, "wide", source, four)
        copy = new.node("copy", "Max", [source, source])
        if four and shape is None:
            shape = sizes
    return copy if shape is None else reshaped(new, "shaped", copy, shape)


def zero_added(new: Replacement, model: ir.Model, constant: ir.Value) -> ir.Value:
    """A constant with a zero added that the toolkit cannot know: an element of an input, clipped to [0, 0]."""
    import onnx_ir as ir

    zero = _zero(new, model)
    kind = _dtype(constant)
    if kind == "BOOL":
        result = new.node(
            "computed", "Or", [new.node("false", "Cast", [zero], {"to": ir.DataType.BOOL}), constant]
        )
    elif kind in (*FLOATS, *INTEGERS):
        if kind != "FLOAT":
            zero = new.node("zero_cast", "Cast", [zero], {"to": constant.dtype})
        result = new.node("computed", "Add", [zero, constant])
    else:
        raise CannotApply(f"the output '{constant.name}' is a constant of {kind}")
    shape = static_shape(constant)
    if shape is None:
        raise CannotApply(f"the shape of the constant '{constant.name}' is not known")
    return result if shape else reshaped(new, "scalar", result, shape)


def _zero(new: Replacement, model: ir.Model) -> ir.Value:
    import numpy as np
    import onnx_ir as ir

    inputs = [value for value in graph_inputs(model.graph) if 0 not in (static_shape(value) or (0,))]
    if not inputs:
        raise CannotApply("the model has no input that a zero could be taken from")
    source = next((value for value in inputs if _dtype(value) == "FLOAT"), inputs[0])
    rank = len(static_shape(source) or ())
    if rank:
        source = sliced(new, "first", source, [0] * rank, [1] * rank, range(rank))
    source = reshaped(new, "one", source, (1,))
    source = new.node("number", "Cast", [source], {"to": ir.DataType.FLOAT})
    return clipped(new, "zero", source, 0.0, 0.0, np.dtype(np.float32))


def _dtype(value: ir.Value) -> str:
    return value.dtype.name if value.dtype is not None else "unknown"
