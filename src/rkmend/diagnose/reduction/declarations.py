"""Declarations: dtypes, versions, and what is said about a model beside its operators and numbers."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from rkmend.diagnose.reduction.change import Change, Scale
from rkmend.diagnose.reduction.places import replace_content, stored

if TYPE_CHECKING:
    import onnx_ir as ir

OPSET, IR_VERSION = 12, 8
"""What every converter of the last years reads."""


def dtypes(model: ir.Model) -> Iterator[Change]:
    """Every other float dtype to float32 wherever it stands, and int64 inputs, one by one, to int32."""
    import onnx_ir as ir

    for dtype in (ir.DataType.FLOAT16, ir.DataType.BFLOAT16, ir.DataType.DOUBLE):
        if _stands_in(model, dtype):
            yield Change(f"dtype {dtype.numpy().name}", "-> float32", partial(_in_float32, dtype))
    for value in model.graph.inputs:
        if value.dtype == ir.DataType.INT64 and not value.is_initializer():
            yield Change(f"dtype of '{value.name}'", "int64 -> int32", partial(_in_int32, str(value.name)))


def versions(model: ir.Model) -> Iterator[Change | Scale]:
    """The default operator set towards `OPSET`, the IR version to `IR_VERSION`.

    An operator that another version defines otherwise is no harm: the failure has to stay, not the function.
    """
    opset = model.opset_imports.get("", OPSET)
    if opset > OPSET:
        yield Scale("opset", opset, OPSET, _with_opset)
    for newer in dict.fromkeys((OPSET, opset + 1)) if opset < OPSET else ():
        yield Change("opset", f"{opset} -> {newer}", partial(_with_opset, version=newer))
    listed = any(value.is_initializer() for value in model.graph.inputs)
    if model.ir_version != IR_VERSION or listed:
        what = f"{model.ir_version} -> {IR_VERSION}" + (", initializers no longer listed as inputs" * listed)
        yield Change("IR version", what, _with_usual_ir_version)


def remarks(model: ir.Model) -> Iterator[Change]:
    """Operator sets that nobody uses; then all that is written for people and tools."""
    if unused := _unused_sets(model):
        yield Change(
            "operator sets", f"without {', '.join(unused)}, which nothing uses", _without_unused_sets
        )
    if any(thing.doc_string or thing.metadata_props for thing in _described(model)) or _maker(model):
        yield Change("remarks", "doc strings, metadata and producer removed", _without_remarks)


def _stands_in(model: ir.Model, dtype: ir.DataType) -> bool:
    """Whether inputs, initializers or casts name a dtype."""
    casts = any(node.attributes.get_int("to", 0) == dtype for node in model.graph.all_nodes())
    return casts or any(value.dtype == dtype for value in stored(model))


def _in_float32(dtype: ir.DataType, model: ir.Model) -> ir.Model:
    import numpy as np
    import onnx_ir as ir

    edited, wide = model.clone(), ir.DataType.FLOAT
    for value in stored(edited):
        if value.dtype == dtype and value.const_value is not None:
            replace_content(value, lambda array: array.astype(np.float32))
        elif value.dtype == dtype:
            value.type = ir.TensorType(wide)
    for node in edited.graph.all_nodes():
        for value in node.outputs:
            if value.dtype == dtype:
                value.type = ir.TensorType(wide)
        for name, attribute in list(node.attributes.items()):
            if name in ("to", "dtype") and attribute.value == dtype:
                node.attributes[name] = ir.AttrInt64(name, wide)
            elif attribute.type == ir.AttributeType.TENSOR and attribute.as_tensor().dtype == dtype:
                array = attribute.as_tensor().numpy().astype(np.float32)
                node.attributes[name] = ir.AttrTensor(name, ir.tensor(array))
    return edited


def _in_int32(name: str, model: ir.Model) -> ir.Model:
    import onnx_ir as ir

    edited = model.clone()
    for value in edited.graph.inputs:
        if value.name == name:
            value.type = ir.TensorType(ir.DataType.INT32)
    return edited


def _with_opset(model: ir.Model, version: int) -> ir.Model:
    edited = model.clone()
    edited.opset_imports[""] = version
    return edited


def _with_usual_ir_version(model: ir.Model) -> ir.Model:
    edited = model.clone()
    edited.ir_version = IR_VERSION
    for value in [value for value in edited.graph.inputs if value.is_initializer()]:
        edited.graph.inputs.remove(value)
    return edited


def _unused_sets(model: ir.Model) -> list[str]:
    """Domains of operators that do not occur; those of model functions hold operators of their own."""
    used = {node.domain for node in model.graph.all_nodes()} | {""}
    return [] if model.functions else [domain for domain in model.opset_imports if domain not in used]


def _without_unused_sets(model: ir.Model) -> ir.Model:
    edited = model.clone()
    for domain in _unused_sets(edited):
        del edited.opset_imports[domain]
    return edited


def _without_remarks(model: ir.Model) -> ir.Model:
    edited = model.clone()
    for thing in _described(edited):
        thing.doc_string = None
        thing.metadata_props.clear()
    edited.producer_name = edited.producer_version = edited.domain = edited.model_version = None
    return edited


def _maker(model: ir.Model) -> bool:
    return any((model.producer_name, model.producer_version, model.domain, model.model_version))


def _described(model: ir.Model) -> Iterator[ir.Model | ir.Graph | ir.Node | ir.Value]:
    """All that may carry remarks."""
    yield model
    for graph in model.graphs():
        yield graph
        yield from graph.inputs
        yield from graph.initializers.values()
        for node in graph:
            yield node
            yield from node.outputs
