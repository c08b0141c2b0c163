"""Shapes: what follows from the graph inputs for every value of a model.

The inference of the onnx package gives up where a shape is computed by operators it does not follow
(a Cast, a Range, an integer division between Shape and Reshape): on a BERT exported from TensorFlow that
is half of all values. So the operators are visited one by one in graph order, each with the shapes of its
inputs and, where they are known, their contents; and an operator whose inputs are all known is computed.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from rkmend.graph.ceil_pool import leave_out_windows_behind
from rkmend.graph.tensors import reference_to, replaced_tensors
from rkmend.graph.values import (
    SMALL,
    common,
    content_of,
    describe,
    is_small,
    merge,
    static_shape,
    type_proto,
    without_invented_names,
)

if TYPE_CHECKING:
    import onnx
    import onnx_ir as ir

_RANDOM = frozenset({"Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform"})
_RANDOM |= {"RandomUniformLike", "Dropout"}
_ALIKE = {
    ("", "Affine"): "Identity",
    ("", "GroupNormalization"): "Identity",
    ("", "ImageScaler"): "Identity",
    ("", "ParametricSoftplus"): "Identity",
    ("", "ScaledTanh"): "Identity",
    ("com.microsoft", "BiasGelu"): "Identity",
    ("com.microsoft", "DynamicQuantizeLSTM"): "LSTM",
    ("com.microsoft", "FastGelu"): "Identity",
    ("com.microsoft", "FusedConv"): "Conv",
    ("com.microsoft", "Gelu"): "Identity",
    ("com.microsoft", "QuickGelu"): "Identity",
}
"""Operators that the onnx package does not define, or not in every opset, and one that it does, whose outputs
have the shapes that follow from the same leading inputs. Sources: operator documentation of ONNX 1.2 and of
ONNX Runtime."""


def infer(model: ir.Model) -> None:
    """Gives the values of a model their dtype and shape, as far as they follow from the graph inputs.

    What a value was annotated with before stays where nothing follows. The content of values that do not
    depend on the inputs is kept in their `const_value`. An operator that is used wrongly stops the inference
    of its own outputs only.

    Args:
        model: Changed in place; nodes in graph order, as the checker demands.
    """
    for node in model.graph.all_nodes():
        for value in node.outputs:
            value.const_value = None  # of an earlier inference, perhaps of another graph
    _walk(model)


def infer_rest(model: ir.Model) -> None:
    """As `infer`, for a model that has most of its shapes already: visits only operators that lack something.

    Args:
        model: Changed in place; what its values are annotated with is taken for true.
    """
    _walk(model, sparing=True)


def _walk(model: ir.Model, *, sparing: bool = False) -> None:
    walk = _Walk(model, sparing=sparing)
    walk.graph(model.graph)
    if walk.left_out:
        _infer_at_once(model)
        walk.graph(model.graph)


class _Walk:
    """Visits operators in graph order."""

    def __init__(self, model: ir.Model, *, sparing: bool = False) -> None:
        self._model = model
        self._sparing = sparing
        self._functions = set(model.functions)
        self.left_out = False
        """Whether there are operators that need more than their own definition: loops and model functions."""

    @cached_property
    def _opsets(self) -> list[onnx.OperatorSetIdProto]:
        from onnx import helper

        return [helper.make_opsetid(domain, version) for domain, version in self._model.opset_imports.items()]

    def graph(self, graph: ir.Graph) -> None:
        for value in graph.initializers.values():
            if value.const_value is not None and not (self._sparing and _is_known(value)):
                describe(value, value.const_value)
        for node in graph:
            if not (self._sparing and _is_settled(node)):
                self._node(node)

    def _node(self, node: ir.Node) -> None:
        if node.op_identifier() in self._functions or node.op_type in ("Loop", "Scan", "SequenceMap"):
            self.left_out = True
        elif node.op_type == "Constant":
            self._constant(node)
        elif node.op_type == "If":
            self._branches(node)
        elif node.op_type == "Crop":
            _crop(node)
        elif all(value is None or value.type is not None for value in node.inputs):
            self._outputs(node)
            leave_out_windows_behind(node)

    def _constant(self, node: ir.Node) -> None:
        import onnx_ir as ir

        tensor = ir.convenience.get_const_tensor(node.outputs[0])
        if tensor is not None:
            describe(node.outputs[0], tensor)
            node.outputs[0].const_value = tensor if tensor.size <= SMALL else None

    def _branches(self, node: ir.Node) -> None:
        """Visits both branches of an If; the one that is taken decides, or what both agree on."""
        then, other = node.attributes["then_branch"].as_graph(), node.attributes["else_branch"].as_graph()
        self.graph(then)
        self.graph(other)
        condition = content_of(node.inputs[0])
        for value, first, second in zip(node.outputs, then.outputs, other.outputs, strict=True):
            if condition is not None:
                taken = first if condition.item() else second
                merge(value, taken.type, taken.shape)
                value.const_value = taken.const_value
            else:
                merge(value, first.type or second.type, common(first.shape, second.shape))

    def _outputs(self, node: ir.Node) -> None:
        import onnx
        import onnx_ir as ir

        schema = self._schema(node)
        if schema is None:
            return
        proto = ir.to_proto(node)
        proto.op_type, proto.domain = schema.name, schema.domain
        del proto.input[schema.max_input :]
        del proto.output[schema.max_output :]
        for attribute in list(proto.attribute):
            if attribute.name not in schema.attributes:
                proto.attribute.remove(attribute)
        # An operator that is used wrongly: its outputs stay as they are annotated.
        with contextlib.suppress(
            onnx.shape_inference.InferenceError, RuntimeError, ValueError, onnx.checker.ValidationError
        ):
            inputs = [value for value in node.inputs if value is not None]
            contents = {value.name: array for value in inputs if (array := content_of(value)) is not None}
            types = onnx.shape_inference.infer_node_outputs(
                schema,
                proto,
                {str(value.name): type_proto(value) for value in inputs},
                {str(name): onnx.numpy_helper.from_array(array) for name, array in contents.items()},
                opset_imports=self._opsets,
                ir_version=self._model.ir_version,
            )
            for value in node.outputs:
                if inferred := types.get(str(value.name)):
                    merge(
                        value,
                        ir.serde.deserialize_type_proto_for_type(inferred),
                        ir.serde.deserialize_type_proto_for_shape(inferred),
                    )
        # The reference implementations fail in any way they like; then the content stays unknown.
        with contextlib.suppress(Exception):
            self._compute(node, proto)

    def _schema(self, node: ir.Node) -> onnx.defs.OpSchema | None:
        import onnx

        name, domain = node.op_type, node.domain
        if alike := _ALIKE.get((domain, name)):
            name, domain = alike, ""
        version = self._model.opset_imports.get(domain)
        if version is None or not onnx.defs.has(name, domain):
            return None
        try:
            return onnx.defs.get_schema(name, version, domain)
        except onnx.defs.SchemaError:
            return None

    def _compute(self, node: ir.Node, proto: onnx.NodeProto) -> None:
        """Computes the outputs of a node, if they are small and do not depend on the graph inputs."""
        import onnx_ir as ir

        outputs = [value for value in node.outputs if value.name]
        if proto.op_type != node.op_type or node.op_type in _RANDOM or not all(map(is_small, outputs)):
            return
        contents = {str(value.name): content_of(value) for value in node.inputs if value is not None}
        if node.op_type in ("Shape", "Size") and (shape := static_shape(node.inputs[0])) is not None:
            part = shape[node.attributes.get_int("start", 0) : node.attributes.get_int("end", len(shape))]
            results = [np.array(part if node.op_type == "Shape" else math.prod(shape), np.int64)]
        elif not contents or any(array is None for array in contents.values()):
            return
        else:
            results = _evaluate(proto, contents, self._model.opset_imports)
        for value, result in zip(outputs, results, strict=True):
            value.const_value = ir.tensor(result, name=value.name)


def _is_known(value: ir.Value) -> bool:
    return value.type is not None and value.shape is not None and value.shape.is_static()


def _is_settled(node: ir.Node) -> bool:
    """Whether the shapes of the outputs are known, and their content depends on the graph inputs."""
    if node.op_type in ("Constant", "If", "Shape", "Size", "Loop", "Scan", "SequenceMap"):
        return False
    computable = all(value is None or value.const_value is not None for value in node.inputs)
    return not computable and all(_is_known(value) for value in node.outputs if value.name)


def _crop(node: ir.Node) -> None:
    """An operator that ONNX 1.5 dropped: cuts left, top, right and bottom off H and W, or down to `scale`."""
    import onnx_ir as ir

    source = node.inputs[0]
    shape = static_shape(source)
    if source is not None and shape is not None and len(shape) == 4:
        left, top, right, bottom = node.attributes["border"].as_ints()
        kept = (shape[2] - top - bottom, shape[3] - left - right)
        size = node.attributes["scale"].as_ints() if "scale" in node.attributes else kept
        merge(node.outputs[0], source.type, ir.Shape([*shape[:2], *size]))


def _evaluate(
    proto: onnx.NodeProto, contents: Mapping[str, Any], opsets: Mapping[str, int]
) -> list[np.ndarray]:
    """Runs one node with the reference implementation of ONNX; it names its outputs as the node does."""
    import onnx
    from onnx.reference import ReferenceEvaluator

    graph = onnx.GraphProto(name="once", node=[proto])
    for name in contents:
        graph.input.add(name=name)
    for name in filter(None, proto.output):
        graph.output.add(name=name)
    return list(ReferenceEvaluator(graph, opsets=dict(opsets)).run(None, dict(contents)))


def _infer_at_once(model: ir.Model) -> None:
    """The onnx package's inference over the whole model: it follows loops and model functions."""
    import onnx
    import onnx_ir as ir

    def leave_out_content(tensor: ir.TensorProtocol) -> ir.TensorProtocol:
        return tensor if tensor.size <= SMALL else reference_to(tensor, "left-out")

    with replaced_tensors(model, leave_out_content):
        proto = ir.to_proto(model)
    try:
        inferred = ir.from_proto(onnx.shape_inference.infer_shapes(proto, data_prop=True))
    except (RuntimeError, ValueError):
        return  # what is known stays known
    for graph, other in zip(model.graphs(), inferred.graphs(), strict=True):
        found = ir.convenience.create_value_mapping(other, include_subgraphs=False)
        for node in graph:
            for value in node.outputs:
                if twin := found.get(str(value.name)):
                    merge(value, twin.type, without_invented_names(twin.shape))
