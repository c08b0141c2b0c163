"""Constants: what Constant nodes hold, as initializers, which the other passes can cut and fill."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rkmend.diagnose.reduction.change import Change
from rkmend.diagnose.reduction.edits import node_change

if TYPE_CHECKING:
    import onnx_ir as ir


def constants(model: ir.Model) -> Iterator[Change]:
    """Each Constant node as an initializer of its graph; a graph output stays the output of a node."""
    import onnx_ir as ir

    for node in model.graph.all_nodes():
        if node.op_type != "Constant" or node.domain or node.outputs[0].is_graph_output():
            continue
        if ir.convenience.get_const_tensor(node.outputs[0]) is not None:
            yield node_change(node, "content", "an initializer instead of a Constant node", _store)


def _store(node: ir.Node) -> None:
    import onnx_ir as ir

    old, graph = node.outputs[0], node.graph
    tensor = ir.convenience.get_const_tensor(old)
    assert tensor is not None and isinstance(graph, ir.Graph)
    name = str(old.name)
    new = ir.val(name, const_value=ir.tensor(tensor.numpy(), dtype=tensor.dtype, name=name))
    old.replace_all_uses_with(new)
    graph.remove(node, safe=True)
    graph.register_initializer(new)
