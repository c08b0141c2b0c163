"""Definitions: an operator written as the function of simpler operators by which ONNX itself defines it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rkmend.graph import infer
from rkmend.graph.values import type_proto
from rkmend.rules.model.folding import fold, foldable
from rkmend.rules.model.tidy import drop_dead
from rkmend.rules.replacement import PROVENANCE

if TYPE_CHECKING:
    import onnx
    import onnx_ir as ir

Schema = Any
"""An `onnx.defs.OpSchema`, whose stubs do not tell of functions."""
DOMAIN = "rkmend.definitions"
"""Of the functions while they wait to be inlined."""


def has_definition(node: ir.Node, opset: int) -> bool:
    """Whether ONNX defines an operator of the default domain as a function of others."""
    import onnx

    schema: Schema = onnx.defs.get_schema(node.op_type, opset, "")
    return bool(schema.has_function or schema.has_context_dependent_function)


def write_out(model: ir.Model, nodes: Sequence[ir.Node], *, code: str, mend: str) -> None:
    """Puts their definition in the place of operators, at any level of a model.

    Args:
        model: Changed in place; its own functions are inlined already, shapes are inferred.
        nodes: Operators of the default domain for which `has_definition` holds.
        code: The rule.
        mend: The mend.
    """
    import onnx
    import onnx_ir as ir

    opset = model.opset_imports[""]
    for number, node in enumerate(nodes):
        schema: Schema = onnx.defs.get_schema(node.op_type, opset, "")
        body = _definition(node, schema)
        body.domain, body.name = DOMAIN, f"{node.op_type}_{number}"
        _fit_outputs(body, len(node.outputs))
        for inner in body.node:
            inner.name = f"{node.name}/rkmend/{inner.name or inner.output[0]}"
        function = ir.serde.deserialize_function(body)
        function.opset_imports[""] = opset
        model.functions[function.identifier()] = function
        for name, attribute in _with_defaults(node, schema).items():
            node.attributes[name] = attribute
        node.metadata_props.update(zip(PROVENANCE, (code, mend, str(node.name)), strict=True))
        node.domain, node.op_type = DOMAIN, body.name
    before = {node.name for node in model.graph}
    inline(model)
    _write_casts(model)
    fold(model, [node for node in foldable(model) if node.name not in before])
    drop_dead(model)


def inline(model: ir.Model) -> None:
    """Puts the bodies of a model's functions where they are called, and infers shapes anew."""
    from onnx_ir.passes.common import InlinePass

    InlinePass()(model)
    model.opset_imports.pop(DOMAIN, None)
    infer(model)


def _definition(node: ir.Node, schema: Schema) -> onnx.FunctionProto:
    """The function, in the newest form that the model's operator set has."""
    import onnx
    import onnx_ir as ir

    body = onnx.FunctionProto()
    if schema.has_function:
        body.ParseFromString(schema.get_function_with_opset_version(max(schema.function_opset_versions)))
        return body
    types = [onnx.TypeProto() if value is None else type_proto(value) for value in node.inputs]
    raw = schema.get_context_dependent_function_with_opset_version(
        max(schema.context_dependent_function_opset_versions),
        ir.to_proto(node).SerializeToString(),
        [kind.SerializeToString() for kind in types],
    )
    body.ParseFromString(raw)
    return body


def _fit_outputs(body: onnx.FunctionProto, count: int) -> None:
    """Leaves the first outputs of a function, and makes up those that it says it has and does not compute."""
    del body.output[count:]
    made = {name for node in body.node for name in node.output}
    for name in body.output:
        if name not in made:
            body.node.add(op_type="Identity", input=body.output[:1], output=[name])


def _write_casts(model: ir.Model) -> None:
    """Says outright what CastLike casts to, and leaves out the casts that change nothing."""
    import onnx_ir as ir

    for node in list(model.graph.all_nodes()):
        if node.domain or node.op_type not in ("Cast", "CastLike"):
            continue
        source, target = node.inputs[0], node.outputs[0]
        if source is None or target.dtype is None:
            continue
        if (
            source.dtype == target.dtype
            and PROVENANCE[0] in node.metadata_props
            and not target.is_graph_output()
        ):
            ir.convenience.replace_all_uses_with(target, source)
            assert node.graph is not None
            node.graph.remove(node, safe=True)
        elif node.op_type == "CastLike":
            node.op_type = "Cast"
            node.resize_inputs(1)
            node.attributes["to"] = ir.AttrInt64("to", target.dtype)


def _with_defaults(node: ir.Node, schema: Schema) -> dict[str, ir.Attr]:
    """The attributes of a node, those that it leaves out with their default."""
    import onnx_ir as ir

    given = dict(node.attributes)
    for name, attribute in schema.attributes.items():
        if attribute.default_value.type:
            given.setdefault(name, ir.serde.deserialize_attribute(attribute.default_value))
    return given
