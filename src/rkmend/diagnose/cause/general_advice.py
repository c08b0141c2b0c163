"""What people say when a model does not convert, whatever is in it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from rkmend.diagnose.cause.family import CannotBuild
from rkmend.diagnose.cause.piece import Advice
from rkmend.diagnose.cause.tools import treated
from rkmend.diagnose.reduction.places import replace_content, stored
from rkmend.graph import validated
from rkmend.rules.base import Exactness

if TYPE_CHECKING:
    import onnx_ir as ir

SIMPLIFIERS = ("onnxsim", "onnxslim")
OPSETS = (11, 12, 13, 17, 19)
"""What exporters of the last years write, up to the newest that the toolkit takes."""
SHAPE_DECIDING = ("Resize", "Upsample")
"""Operators with float inputs that are no weights: they say how large the output is."""


def general_advice(model: ir.Model) -> Iterator[Advice]:
    """The advice for any model; see `advice`."""
    yield Advice(
        "ONNX Runtime's basic graph optimisation", Exactness.ROUNDING, partial(treated, model, "onnxruntime")
    )
    for tool in SIMPLIFIERS:
        yield Advice(f"ONNX simplification by {tool}", Exactness.ROUNDING, partial(_simplified, model, tool))
    for version in OPSETS:
        if version != model.opset_imports.get("", 1):
            yield Advice(f"opset {version}", Exactness.EXACT, partial(treated, model, f"opset {version}"))
    yield Advice("weights and inputs in float16", Exactness.ROUNDING, partial(_in_float16, model))
    yield Advice("all weights replaced by ones", Exactness.CHANGES_MODEL, partial(_with_ones, model))


def _simplified(model: ir.Model, tool: str) -> ir.Model:
    from importlib.util import find_spec

    if find_spec(tool) is None:
        raise CannotBuild(f"not installed: pip install {tool}")
    return treated(model, tool)


def _in_float16(model: ir.Model) -> ir.Model:
    import numpy as np
    import onnx_ir as ir

    copy, half = _lifted(model), ir.DataType.FLOAT16
    values = _float32_values(copy)
    casts = [node for node in copy.graph.all_nodes() if node.attributes.get_int("to", 0) == ir.DataType.FLOAT]
    if not values:
        raise CannotBuild("nothing is float32")
    largest = float(np.finfo(np.float16).max)
    for value in values:
        if value.const_value is None:
            value.type = ir.TensorType(half)
            continue
        array = value.const_value.numpy()
        if array.size and np.abs(array[np.isfinite(array)]).max(initial=0) > largest:
            raise CannotBuild(f"'{value.name}' holds numbers beyond {largest:g}, the largest float16")
        replace_content(value, lambda array: array.astype(np.float16))
    for node in casts:
        node.attributes["to"] = ir.AttrInt64("to", half)
    return validated(copy)


def _with_ones(model: ir.Model) -> ir.Model:
    """Numbers that stand alone stay: they are bounds and scales, not weights."""
    import numpy as np

    copy = _lifted(model)
    weights = [
        value
        for value in _float32_values(copy)
        if value.const_value is not None and value.const_value.shape.rank()
    ]
    if not weights:
        raise CannotBuild("there are no float32 weights")
    for value in weights:
        replace_content(value, np.ones_like)
    return validated(copy)


def _lifted(model: ir.Model) -> ir.Model:
    """A copy in which all constants are initializers."""
    from onnx_ir.passes.common import LiftConstantsToInitializersPass

    copy = model.clone()
    copy.ir_version = max(copy.ir_version, 4)  # before 4 every initializer had to be a graph input as well
    LiftConstantsToInitializersPass(lift_all_constants=True, size_limit=0)(copy)
    return copy


def _float32_values(model: ir.Model) -> list[ir.Value]:
    """Inputs and initializers of float32, but for those that decide shapes."""
    import onnx_ir as ir

    return [
        value
        for value in stored(model)
        if value.dtype == ir.DataType.FLOAT
        and not any(use.idx > 0 and use.node.op_type in SHAPE_DECIDING for use in value.uses())
    ]
