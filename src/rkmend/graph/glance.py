"""Reading a model for rules that run nothing: what `load` and `freeze` give, at a tenth of their cost.

The weights take part in nothing here but in the numbers that a rule reads. So the checker and one pass of the onnx
package's inference get a model without them, and only operators that the pass tells nothing of are visited singly.
"""

from __future__ import annotations

import gc
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rkmend.errors import InputError
from rkmend.graph.check import check_rules
from rkmend.graph.infer import infer_rest
from rkmend.graph.load import as_graph, read, specs_of
from rkmend.graph.model import TensorSpec, graph_inputs
from rkmend.graph.quick_import import import_onnx_ir
from rkmend.graph.shapes import DynamicInputs, bind
from rkmend.graph.values import SMALL
from rkmend.graph.walk import every_node

if TYPE_CHECKING:
    import onnx
    import onnx_ir as ir


@dataclass(frozen=True)
class Glance:
    """A model that was looked at.

    Attributes:
        ir: With shapes as far as they follow from the inputs.
        inputs: With the sizes that were given.
        renamed: See `Model.renamed`.
        missing: What to say where sizes of inputs are missing; then most shapes are unknown.
    """

    ir: ir.Model
    inputs: tuple[TensorSpec, ...]
    renamed: Mapping[str, str]
    missing: DynamicInputs | None = None


@contextmanager
def no_collection() -> Iterator[None]:
    """A graph is many objects and no garbage: looking for some in it would take a fifth of the time of a check."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def glance(path: Path, shapes: Mapping[str, tuple[int, ...]]) -> Glance:
    """Reads a model and infers its shapes.

    Args:
        path: The .onnx file.
        shapes: Of dynamic inputs, by name; they need not be complete.

    Raises:
        InputError: As `load` does, and as `bind` does but for missing sizes.
    """
    import_onnx_ir()
    path = Path(path)
    proto, files = read(path)
    light = _without_weights(proto, path)
    check_rules(light, path, light=True)
    model, renamed = as_graph(proto, path, files)
    inputs = specs_of(graph_inputs(model.graph), path, "input")
    specs_of(model.graph.outputs, path, "output")
    try:
        specs, missing = bind(inputs, shapes), None
    except DynamicInputs as error:
        specs, missing = inputs, error
    if specs != inputs:
        _set_inputs(model, light, specs)
    _infer_at_once(model, light)
    infer_rest(model)
    return Glance(model, specs, renamed, missing)


def _without_weights(proto: onnx.ModelProto, path: Path) -> onnx.ModelProto:
    """The same model whose large initializers are inputs, and without annotations that inference can give.

    Raises:
        InputError: A tensor that has not as many bytes as its shape needs.
    """
    import onnx

    light = onnx.ModelProto(ir_version=proto.ir_version)
    light.opset_import.MergeFrom(proto.opset_import)
    light.functions.MergeFrom(proto.functions)
    graph = light.graph
    graph.name = proto.graph.name
    graph.node.MergeFrom(proto.graph.node)
    graph.input.MergeFrom(proto.graph.input)
    graph.output.MergeFrom(proto.graph.output)
    foreign = {name for node in proto.graph.node if node.domain for name in node.output}
    graph.value_info.extend(value for value in proto.graph.value_info if value.name in foreign)
    listed = {value.name for value in proto.graph.input}
    types: dict[tuple[int, ...], onnx.TypeProto] = {}
    for tensor in proto.graph.initializer:
        size = math.prod(tensor.dims)
        if size <= SMALL or not (tensor.raw_data or tensor.external_data):
            graph.initializer.append(tensor)
            if tensor.external_data:  # the checker would look for its file in the current folder
                onnx.external_data_helper.load_external_data_for_tensor(
                    graph.initializer[-1], str(path.parent)
                )
                graph.initializer[-1].data_location = onnx.TensorProto.DEFAULT
            continue
        _check_size(tensor, size, path)
        if tensor.name not in listed:
            kind = tensor.data_type, *tensor.dims
            if kind not in types:
                types[kind] = onnx.helper.make_tensor_type_proto(tensor.data_type, tensor.dims)
            graph.input.add(name=tensor.name, type=types[kind])
    return light


def _check_size(tensor: onnx.TensorProto, size: int, path: Path) -> None:
    import onnx_ir as ir

    needed = math.ceil(ir.DataType(tensor.data_type).itemsize * size)
    if tensor.raw_data and len(tensor.raw_data) != needed:
        raise InputError(
            f"{path} breaks the rules of ONNX: tensor '{tensor.name}' of the sizes {list(tensor.dims)} has "
            f"{len(tensor.raw_data)} bytes of data, not {needed}",
            hint="The file is damaged or was written wrongly; export the model again.",
        )


def _set_inputs(model: ir.Model, light: onnx.ModelProto, specs: tuple[TensorSpec, ...]) -> None:
    """Gives the inputs their sizes, and forgets the shapes that were annotated for others."""
    import onnx_ir as ir

    sizes = {spec.name: spec.sizes for spec in specs}
    for value, spec in zip(graph_inputs(model.graph), specs, strict=True):
        value.shape = ir.Shape(spec.sizes)
    for entry in light.graph.input:
        if entry.name in sizes:
            shape = entry.type.tensor_type.shape
            del shape.dim[:]
            shape.SetInParent()
            for size in sizes[entry.name]:
                shape.dim.add(dim_value=size)
    for node in every_node(model.graph):
        for value in node.outputs if not node.domain else ():
            value.shape = None
    for entry in light.graph.output:
        for dim in entry.type.tensor_type.shape.dim:
            dim.Clear()


def _infer_at_once(model: ir.Model, light: onnx.ModelProto) -> None:
    """One pass of the onnx package over the whole graph; what it finds is put beside what is annotated."""
    import onnx
    import onnx_ir as ir

    try:
        found = onnx.shape_inference.infer_shapes(light, data_prop=True).graph
    except (RuntimeError, ValueError):
        return  # the operators are visited one by one then
    values = {value.name: value for node in model.graph for value in node.outputs}
    for entry in (*found.value_info, *found.output):
        value = values.get(entry.name)
        if value is None:
            continue
        kind = entry.type.tensor_type  # an empty one where it is no tensor
        if kind.elem_type:
            value.type = ir.TensorType(ir.DataType(kind.elem_type))
        if kind.HasField("shape"):
            dims = [dim.dim_value or (0 if dim.HasField("dim_value") else None) for dim in kind.shape.dim]
            if None not in dims or value.shape is None:
                value.shape = ir.Shape(dims)
