"""Bodies: moving what a Loop or an If holds out into the graph around it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rkmend.graph.names import name_nodes
from rkmend.rules.replacement import PROVENANCE

if TYPE_CHECKING:
    import onnx_ir as ir

    from rkmend.graph.surgery import Surgery


def lift_copy(
    surgery: Surgery, node: ir.Node, body: ir.Graph, arguments: Sequence[ir.Value], *, code: str, mend: str
) -> list[ir.Value]:
    """Puts a copy of a body in front of the node that holds it.

    Args:
        surgery: Of the model; keeps the names unique.
        node: A Loop or an If.
        body: One of its graphs; stays as it is.
        arguments: What takes the place of the inputs of the body.
        code: The rule.
        mend: The mend.

    Returns:
        The values that the copy gives out: its own, constants, or arguments.
    """
    import onnx_ir as ir

    _hoist_constants(surgery, body)
    copy = body.clone(allow_outer_scope_values=True)
    given = dict(zip(copy.inputs, arguments, strict=True))
    outputs = [given.get(value, value) for value in copy.outputs]
    copy.outputs.clear()
    for value, argument in given.items():
        ir.convenience.replace_all_uses_with(value, argument)
    for inner in copy:
        for value in inner.outputs:
            value.name = value.name and surgery.fresh(f"{node.name}/rkmend/{value.name}")
    for inner in copy.all_nodes():
        inner.name = f"{node.name}/rkmend/{inner.name}"
        inner.metadata_props.update(zip(PROVENANCE, (code, mend, str(node.name)), strict=True))
    surgery.lift(copy, node)
    return outputs


def _hoist_constants(surgery: Surgery, body: ir.Graph) -> None:
    """Moves the initializers of a body to the main graph, where all its copies read them."""
    for name, value in list(body.initializers.items()):
        assert value.const_value is not None
        surgery.redirect(value, surgery.constant(name, value.const_value), body)
        del body.initializers[name]


def hand_over(surgery: Surgery, node: ir.Node, values: Sequence[ir.Value]) -> None:
    """Lets values take the place of the outputs of a node, and removes it.

    An output of the graph keeps its name: it becomes a copy of its value, which may be anything.

    Args:
        surgery: Of the model; keeps the names unique.
        node: In any graph.
        values: Of the same graph or one around it, one for each output.
    """
    import onnx_ir as ir

    graph = node.graph
    assert graph is not None
    for number, (old, new) in enumerate(zip(node.outputs, values, strict=True)):
        if old.is_graph_output():
            name, old.name = str(old.name), f"{old.name}/old"
            copy = ir.node(
                "Identity", [new], name=f"{node.name}/rkmend/{number}", metadata_props=node.metadata_props
            )
            copy.outputs[0].name, copy.outputs[0].type, copy.outputs[0].shape = name, old.type, old.shape
            graph.insert_before(node, copy)
            new = copy.outputs[0]
        ir.convenience.replace_all_uses_with(old, new, replace_graph_outputs=True)
    graph.remove(node, safe=True)
    name_nodes(surgery.graph)
