"""Cutting nodes out of a model at any level, so that what is left stands alone."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from rkmend.graph.content import contents
from rkmend.graph.surgery import CannotExtract, Surgery, describe_shape, is_read, must_stay
from rkmend.graph.values import static_shape
from rkmend.graph.walk import inner_nodes

if TYPE_CHECKING:
    import onnx_ir as ir


def cut(model: ir.Model, remove: Collection[str]) -> ir.Model:
    """Removes the named nodes, with all that is in their bodies.

    What they made and is still read becomes an initializer of the main graph if its content is known (see
    `contents`), else an input, after those there are. Values of the main graph that only they read become
    outputs. Constants, initializers and inputs that nobody reads any more go. In a body that gives out what a
    removed node made, an Identity takes the place of the node; such an Identity stays if it is named itself.

    Args:
        model: With inferred shapes; left as it is. Weights are shared with the result, not copied.
        remove: Names of nodes of the graph and of the bodies in it.

    Raises:
        CannotExtract: No such nodes, an input without a static shape, or nothing would be left.
    """
    result = model.clone()
    nodes = _find(result, remove)
    surgery = Surgery(result)
    _take_out(surgery, nodes)
    return surgery.close()


def contract(model: ir.Model, remove: Collection[str]) -> ir.Model:
    """Removes the named nodes, and lets what they connected stay connected.

    As `bypass` for those that have an input that can take the place of their output, as `cut` for the others.

    Args:
        model: As for `cut`.
        remove: As for `cut`.

    Raises:
        CannotExtract: As for `cut`; or none of the nodes can be bypassed, so that `cut` gives the same.
    """
    result = model.clone()
    nodes = _find(result, remove)
    surgery = Surgery(result)
    passed = [node for node in nodes if _pass(surgery, node)]
    if not passed:
        raise CannotExtract("none of these nodes can be bypassed")
    if rest := [node for node in nodes if node not in passed]:
        _take_out(surgery, rest)
    return surgery.close()


def bypass(model: ir.Model, node: str, input_index: int) -> ir.Model:
    """Removes a node by letting those who read its output read one of its inputs.

    Args:
        model: As for `cut`.
        node: A node with one output that is read.
        input_index: Which of its inputs; of the shape and dtype of the output.

    Raises:
        CannotExtract: The node is not of that kind, or nothing would be left.
    """
    result = model.clone()
    (found,) = _find(result, [node])
    problem = _cannot_bypass(found, input_index)
    if problem or must_stay(found, result.graph) or _hands_on(found, input_index, result.graph):
        raise CannotExtract(problem or "what a body gives out cannot go")
    surgery = Surgery(result)
    _go_round(surgery, found, input_index)
    return surgery.close()


def ways_past(node: ir.Node) -> list[int]:
    """The inputs that can take the place of what the node makes: one index for each value."""
    first = {value: index for index, value in reversed(list(enumerate(node.inputs)))}
    return sorted(index for index in first.values() if not _cannot_bypass(node, index))


def _take_out(surgery: Surgery, named: Sequence[ir.Node]) -> None:
    """Removes nodes and feeds what stays with what they made."""
    graph = surgery.graph
    inside = {inner for node in named for inner in inner_nodes(node)}
    nodes = [node for node in named if node not in inside and not must_stay(node, graph)]
    if not nodes:
        raise CannotExtract("what a body gives out cannot go")
    gone = {*nodes, *(inner for node in nodes for inner in inner_nodes(node))}
    needed = [
        (value, node.graph) for node in nodes for value in node.outputs if _is_missed(value, gone, graph)
    ]
    known = contents(surgery.model, [value for value, _ in needed])
    surgery.remove(nodes)
    for value, level in needed:
        assert level is not None
        surgery.redirect(value, surgery.source(value, known.get(value)), level)
    for value in [value for value in graph.outputs if value.producer() in gone]:
        graph.outputs.remove(value)


def _pass(surgery: Surgery, node: ir.Node) -> bool:
    """Bypasses a node of the main graph, if that can be done: by what was computed rather than by a weight."""
    ways = ways_past(node) if node.graph is surgery.graph else []
    if ways:
        _go_round(surgery, node, min(ways, key=lambda way: node.inputs[way].const_value is not None))  # type: ignore[union-attr]
    return bool(ways)


def _go_round(surgery: Surgery, node: ir.Node, input_index: int) -> None:
    graph, source = node.graph, node.inputs[input_index]
    assert graph is not None
    assert source is not None
    (output,) = filter(is_read, node.outputs)
    surgery.remove([node])
    surgery.redirect(output, source, graph)


def _hands_on(node: ir.Node, input_index: int, graph: ir.Graph) -> bool:
    """Whether an Identity in a body gives out what the body is given, or gives out anyhow: another would replace it."""
    source = node.inputs[input_index]
    assert source is not None
    given = source.producer() is None or source.is_graph_output()
    in_body = node.graph is not graph and node.outputs[0].is_graph_output()
    return node.op_type == "Identity" and in_body and given


def _is_missed(value: ir.Value, gone: Collection[ir.Node], graph: ir.Graph) -> bool:
    """Whether what stays of a model cannot do without a value of a node that goes."""
    read = any(use.node not in gone for use in value.uses())
    return read or (value.is_graph_output() and value not in graph.outputs)


def _cannot_bypass(node: ir.Node, input_index: int) -> str:
    """Why an input cannot take the place of the output; empty if it can."""
    outputs = list(filter(is_read, node.outputs))
    if len(outputs) != 1:
        return f"{len(outputs)} outputs of node '{node.name}' are read, not one"
    source = node.inputs[input_index] if input_index < len(node.inputs) else None
    if source is None:
        return f"node '{node.name}' has no input {input_index}"
    shape = static_shape(source)
    if shape is None or source.dtype != outputs[0].dtype or shape != static_shape(outputs[0]):
        ours, theirs = describe_shape(outputs[0]), describe_shape(source)
        return f"what node '{node.name}' makes is {ours}, its input {input_index} is {theirs}"
    return ""


def _find(model: ir.Model, names: Collection[str]) -> list[ir.Node]:
    """The named nodes in graph order."""
    import onnx_ir as ir

    wanted = set(names)
    found = [node for node in ir.traversal.RecursiveGraphIterator(model.graph) if node.name in wanted]
    if missing := wanted - {node.name for node in found}:
        raise CannotExtract(f"the model has no nodes {', '.join(sorted(missing))}")
    return found
