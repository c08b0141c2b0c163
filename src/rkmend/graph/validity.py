"""Validity: whether a candidate is a model at all, found out in milliseconds before a trial is spent on it.

The checker and the strict inference of the onnx package find most wrong uses of an operator, `consistency` the
common ones that they let pass. Creating a session of ONNX Runtime would take longer and adds next to nothing:
what those two do not see it notices when the model runs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from rkmend.errors import RkmendError
from rkmend.graph.check import decisive, tolerated
from rkmend.graph.consistency import contradiction
from rkmend.graph.infer import infer
from rkmend.graph.model import graph_inputs
from rkmend.graph.protos import bodies
from rkmend.graph.surgery import can_be_fed, describe_shape, drop_unread
from rkmend.graph.tensors import reference_to, replaced_tensors
from rkmend.graph.values import SMALL, merge
from rkmend.graph.walk import bodies_of

if TYPE_CHECKING:
    import onnx
    import onnx_ir as ir


class InvalidModel(RkmendError):
    """A candidate breaks the rules of ONNX or of one of its operators; the message says which in a sentence."""


def validated(model: ir.Model) -> ir.Model:
    """A checked copy whose dtypes and shapes follow from its inputs.

    Args:
        model: Left as it is. What its values are annotated with counts only where nothing follows from the
            inputs. Its weights are shared with the result, not copied.

    Returns:
        Without the inputs, initializers and functions that nobody uses.

    Raises:
        InvalidModel: It breaks the rules of ONNX, an operator is used wrongly, an input is no tensor of static
            shape, there is no node or output, or an output is of unknown dtype or holds no elements.
    """
    result = model.clone()
    drop_unread(result)
    if not len(result.graph) or not result.graph.outputs:
        raise InvalidModel("the model has no nodes" if result.graph.outputs else "the model has no outputs")
    _demand_static_inputs(result)
    annotated = _forget(result)
    proto = _infer_strictly(result)
    if is_open := _is_open(result):
        infer(result)
    if _remember(annotated) or is_open:
        proto = _infer_strictly(result)
    _check(proto)
    for node in result.graph.all_nodes():
        if problem := contradiction(node):
            raise InvalidModel(f"node '{node.name}' ({node.op_type}): {problem}")
    _demand_outputs(result)
    return result


def _demand_static_inputs(model: ir.Model) -> None:
    for value in graph_inputs(model.graph):
        if not can_be_fed(value):
            raise InvalidModel(f"input '{value.name}' is no tensor of static shape: {describe_shape(value)}")


def _demand_outputs(model: ir.Model) -> None:
    import onnx_ir as ir

    for value in model.graph.outputs:
        if not isinstance(value.type, ir.TensorType) or value.dtype is None:
            raise InvalidModel(f"output '{value.name}' is no tensor of a known dtype")
    for value in (*model.graph.inputs, *model.graph.outputs):
        if value.shape is not None and any(isinstance(size, int) and size < 1 for size in value.shape):
            raise InvalidModel(f"value '{value.name}' holds no elements: {describe_shape(value)}")


def _forget(model: ir.Model) -> dict[ir.Value, tuple[ir.TypeProtocol | None, ir.Shape | None]]:
    """Drops what is said of the values between inputs and outputs, and gives it back.

    What comes out of operators outside of ONNX stays, for nothing could replace it.
    """
    annotated = {}
    for node in model.graph.all_nodes():
        for value in node.outputs:
            value.const_value = None
            if not node.domain:
                annotated[value] = value.type, value.shape
                value.type = value.shape = None
    return annotated


def _remember(annotated: Mapping[ir.Value, tuple[ir.TypeProtocol | None, ir.Shape | None]]) -> bool:
    """Puts back dtypes, and shapes of outputs, that did not follow from the inputs; whether there were any."""
    lost = [value for value in annotated if value.type is None]
    for value in lost:
        value.type = annotated[value][0]
    for value, (_, shape) in annotated.items():
        if value.shape is None and value.is_graph_output():
            value.shape = shape
    return bool(lost)


def _is_open(model: ir.Model) -> bool:
    """Whether some shape did not follow by the strict inference; `infer`, which is slower, knows more."""
    return any(
        value.name and (value.shape is None or not value.shape.is_static())
        for node in model.graph.all_nodes()
        for value in node.outputs
    )


def _infer_strictly(model: ir.Model) -> onnx.ModelProto:
    """Adds what the onnx package infers; the model as it came out, large weights replaced by inputs."""
    import onnx

    proto = _serialize(model)
    try:
        inferred = onnx.shape_inference.infer_shapes(proto, check_type=True, strict_mode=True, data_prop=True)
    except (onnx.shape_inference.InferenceError, RuntimeError, ValueError) as error:
        raise InvalidModel(_plain(str(error))) from error
    _merge(model.graph, inferred.graph)
    return inferred


def _serialize(model: ir.Model) -> onnx.ModelProto:
    """For the onnx package, which must not look for weights in files: those that are large become inputs."""
    import onnx
    import onnx_ir as ir

    def light(tensor: ir.TensorProtocol) -> ir.TensorProtocol:
        if tensor.size > SMALL:
            return reference_to(tensor, "left-out")
        return (
            ir.Tensor(tensor.numpy(), name=tensor.name) if isinstance(tensor, ir.ExternalTensor) else tensor
        )

    with replaced_tensors(model, light):
        proto = ir.to_proto(model)
    proto.ir_version = max(proto.ir_version, 4)  # before 4 every initializer had to be an input as well
    known = {value.name for value in proto.graph.input}
    for body in bodies(proto):
        if isinstance(body, onnx.GraphProto):
            for tensor in [tensor for tensor in body.initializer if tensor.data_location == tensor.EXTERNAL]:
                if tensor.name not in known:
                    known.add(tensor.name)
                    proto.graph.input.append(
                        onnx.helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims)
                    )
                body.initializer.remove(tensor)
    return tolerated(proto) or proto


def _merge(graph: ir.Graph, inferred: onnx.GraphProto) -> None:
    """Adds to the values of a graph and of its bodies what was inferred for them."""
    found = {info.name: info.type for info in (*inferred.value_info, *inferred.output)}
    for node, twin in zip(graph, inferred.node, strict=True):
        for value in node.outputs:
            if kind := found.get(str(value.name)):
                merge(value, *_read(kind))
        inner = [attribute.g for attribute in twin.attribute if attribute.HasField("g")]
        for body, other in zip(bodies_of(node), inner, strict=True):
            _merge(body, other)


def _read(kind: onnx.TypeProto) -> tuple[ir.TypeProtocol | None, ir.Shape | None]:
    """Type and shape; sizes that are not known have no names here, for the inference makes them up."""
    import onnx_ir as ir

    tensor = kind.tensor_type
    if not tensor.elem_type:  # a sequence, or nothing at all
        return ir.serde.deserialize_type_proto_for_type(kind) if kind.WhichOneof("value") else None, None
    sizes = [size.dim_value if size.HasField("dim_value") else None for size in tensor.shape.dim]
    shape = ir.Shape(sizes) if tensor.HasField("shape") else None
    return ir.TensorType(ir.DataType(tensor.elem_type)), shape


def _check(proto: onnx.ModelProto) -> None:
    import onnx

    try:
        onnx.checker.check_model(proto)
    except onnx.checker.ValidationError as error:
        raise InvalidModel(decisive(str(error))) from error


def _plain(message: str) -> str:
    """The first complaint of the inference, with the node it is about in front."""
    found = re.search(r"\(op_type:\s*(\w+)(?:, node name: ([^)]*))?\):\s*(.*)", message)
    if not found:
        return message.strip().splitlines()[0]
    operator, node, what = found.groups()
    what = re.sub(r"^\[\w+\]\s*", "", what)
    return f"node '{node or 'unnamed'}' ({operator}): {what[:1].lower()}{what[1:]}"
