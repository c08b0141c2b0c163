"""Bodies: taking the branches of an If, the body of a Loop or a Scan and local functions out into the graph."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from rkmend.diagnose.reduction.change import CannotChange, Change
from rkmend.graph.content import constant
from rkmend.graph.names import name_nodes
from rkmend.graph.surgery import Surgery, is_read
from rkmend.graph.values import static_shape

if TYPE_CHECKING:
    import onnx_ir as ir


def body_changes(model: ir.Model) -> Iterator[Change]:
    """The simplifications of what has a body, outermost first; see `Change`.

    All functions of the model put in the place of their calls; an If replaced by one of its branches; a Loop or
    a Scan by its body, run once; a Loop that runs once.
    """
    import onnx_ir as ir

    if model.functions:
        yield Change("the functions of the model", "put in the place of their calls", _inline_functions)
    for node in ir.traversal.RecursiveGraphIterator(model.graph):
        element, name = f"node '{node.name}' ({node.op_type})", str(node.name)
        if node.domain:
            continue
        if node.op_type == "If":
            for branch in ("then_branch", "else_branch"):
                yield Change(
                    element, f"replaced by its {branch}", partial(_unfold, name=name, attribute=branch)
                )
        elif node.op_type in ("Loop", "Scan"):
            yield Change(element, "replaced by its body", partial(_unfold, name=name, attribute="body"))
            if node.op_type == "Loop" and _trip_count(node) != 1:
                yield Change(element, "runs once", partial(_run_once, name=name))


def _inline_functions(model: ir.Model) -> ir.Model:
    from onnx_ir.passes.common import InlinePass

    result = model.clone()
    InlinePass()(result)
    name_nodes(result.graph)
    return result


def _unfold(model: ir.Model, name: str, attribute: str) -> ir.Model:
    """Puts the nodes of a body in the place of the node that holds it.

    Outputs of the node in which runs are stacked are fed instead.
    """
    result = model.clone()
    node, surgery = _find(result, name), Surgery(result)
    graph, body = node.graph, node.attributes[attribute].as_graph()
    assert graph is not None
    given = dict(zip(body.inputs, _arguments(surgery, node, body), strict=True))
    made = [given.get(value, value) for value in body.outputs]
    for value, argument in given.items():
        for use in list(value.uses()):
            use.node.replace_input_with(use.idx, argument)
    surgery.lift(body, node)
    surgery.leave_unread(made)
    states, results = _results(node, made)
    for index, (output, value) in enumerate(zip(node.outputs, results, strict=True)):
        if index < states:
            surgery.redirect(output, value, graph)
        elif is_read(output):
            surgery.redirect(output, surgery.source(_stacked(output, value, node), None), graph)
    surgery.remove([node])
    return surgery.close()


def _arguments(surgery: Surgery, node: ir.Node, body: ir.Graph) -> list[ir.Value]:
    """What the inputs of a body are in its first run."""
    import onnx_ir as ir

    inputs = list(node.inputs)
    if len(inputs) != len(body.inputs) and node.op_type != "If":
        raise CannotChange(f"node '{node.name}' does not feed its body one to one")
    if node.op_type == "Loop":
        first = surgery.constant("iteration", ir.tensor(np.array(0, np.int64)))
        inputs[:2] = [first, inputs[1] or surgery.constant("condition", ir.tensor(np.array(True)))]
    elif node.op_type == "Scan":
        states = len(inputs) - node.attributes.get_int("num_scan_inputs", 0)
        axes = node.attributes.get_ints("scan_input_axes", [0] * (len(inputs) - states))
        slices = zip(body.inputs[states:], inputs[states:], axes, strict=True)
        inputs[states:] = [_slice(surgery, value, whole, axis) for value, whole, axis in slices]
    return [value for value in inputs[: len(body.inputs)] if value is not None]


def _slice(surgery: Surgery, value: ir.Value, whole: ir.Value | None, axis: int) -> ir.Value:
    """An input of the main graph for what a Scan cuts off in each run."""
    import onnx_ir as ir

    shape = static_shape(whole)
    if whole is None or shape is None or not -len(shape) <= axis < len(shape):
        raise CannotChange(f"the shape of what is scanned as '{value.name}' is not known")
    sizes = list(shape)
    del sizes[axis]
    return surgery.feed(str(value.name), whole.type, ir.Shape(sizes))


def _results(node: ir.Node, made: Sequence[ir.Value]) -> tuple[int, Sequence[ir.Value]]:
    """How many outputs of a node are what its body made last, and what in the body each output comes from.

    The outputs behind those are what each run made, stacked.
    """
    if node.op_type == "If":
        return len(made), made
    if node.op_type == "Loop":
        return len(node.inputs) - 2, made[1:]
    return len(node.inputs) - node.attributes.get_int("num_scan_inputs", 0), made


def _stacked(output: ir.Value, value: ir.Value, node: ir.Node) -> ir.Value:
    """The stacked output, of known shape: nobody knows how often a Loop runs, so it holds one run there."""
    import onnx_ir as ir

    shape = static_shape(value)
    if node.op_type == "Loop" and shape is not None:
        output.shape = ir.Shape((1, *shape))
    return output


def _run_once(model: ir.Model, name: str) -> ir.Model:
    import onnx_ir as ir

    result = model.clone()
    node, surgery = _find(result, name), Surgery(result)
    surgery.leave_unread(value for value in node.inputs[:1] if value is not None)
    node.replace_input_with(0, surgery.constant("trip_count", ir.tensor(np.array(1, np.int64))))
    return surgery.close()


def _trip_count(node: ir.Node) -> int | None:
    """How often a Loop runs at most, if that is constant."""
    tensor = constant(node.inputs[0]) if node.inputs[0] is not None else None
    return None if tensor is None else int(tensor.numpy().item())


def _find(model: ir.Model, name: str) -> ir.Node:
    import onnx_ir as ir

    for node in ir.traversal.RecursiveGraphIterator(model.graph):
        if node.name == name:
            return node
    raise CannotChange(f"the model has no node '{name}'")
