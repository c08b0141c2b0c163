"""Operands: optional inputs and outputs of operators left out, and outputs of the model that it can do without."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from rkmend.diagnose.reduction.change import Change
from rkmend.diagnose.reduction.edits import node_change, schema_of
from rkmend.graph.surgery import is_read
from rkmend.graph.walk import bodies_of

if TYPE_CHECKING:
    import onnx
    import onnx_ir as ir


def operands(model: ir.Model) -> Iterator[Change]:
    """Every output of the model, and input and output of an operator, that can be left out, one by one."""
    yield from _model_outputs(model)
    for node in model.graph.all_nodes():
        schema = schema_of(node, model.opset_imports)
        if schema is not None and not any(bodies_of(node)):
            yield from _inputs(node, schema)
            yield from _outputs(node, schema)


def _model_outputs(model: ir.Model) -> Iterator[Change]:
    """Those whose nodes are needed all the same: something else reads what they compute."""
    outputs = model.graph.outputs
    for index, value in enumerate(outputs):
        maker = value.producer()
        others = [other for other in (maker.outputs if maker else ()) if other is not value]
        twice = any(other is value for position, other in enumerate(outputs) if position != index)
        if len(outputs) > 1 and (maker is None or value.uses() or twice or any(map(is_read, others))):
            yield Change(
                f"output '{value.name}'", f"no longer output {index}", partial(_without_output, index)
            )


def _without_output(index: int, model: ir.Model) -> ir.Model:
    edited = model.clone()
    del edited.graph.outputs[index]
    return edited


def _inputs(node: ir.Node, schema: onnx.defs.OpSchema) -> Iterator[Change]:
    option = schema.FormalParameterOption
    for index, value in enumerate(node.inputs):
        formal = schema.inputs[min(index, len(schema.inputs) - 1)].option if schema.inputs else option.Single
        if value is not None and formal == option.Optional:
            yield node_change(node, f"input {index}", "left out", partial(_leave_out_input, index=index))
        elif formal == option.Variadic and len(node.inputs) > max(1, schema.min_input):
            yield node_change(node, f"input {index}", "one less", partial(_take_out_input, index=index))


def _leave_out_input(node: ir.Node, index: int) -> None:
    node.replace_input_with(index, None)
    while node.inputs and node.inputs[-1] is None:
        node.resize_inputs(len(node.inputs) - 1)


def _take_out_input(node: ir.Node, index: int) -> None:
    for position in range(index, len(node.inputs) - 1):
        node.replace_input_with(position, node.inputs[position + 1])
    node.resize_inputs(len(node.inputs) - 1)


def _outputs(node: ir.Node, schema: onnx.defs.OpSchema) -> Iterator[Change]:
    option = schema.FormalParameterOption
    for index, value in enumerate(node.outputs):
        formal = schema.outputs[min(index, len(schema.outputs) - 1)].option
        last = index == len(node.outputs) - 1 >= max(1, schema.min_output)
        if (
            value.name
            and not is_read(value)
            and (formal == option.Optional or (formal == option.Variadic and last))
        ):
            yield node_change(node, f"output {index}", "left out", partial(_leave_out_output, index=index))


def _leave_out_output(node: ir.Node, index: int) -> None:
    node.outputs[index].const_value = None  # a value hands its name on to its tensor, which is shared
    node.outputs[index].name = ""
    while len(node.outputs) > 1 and not node.outputs[-1].name:
        node.resize_outputs(len(node.outputs) - 1)
