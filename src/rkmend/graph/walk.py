"""Walking a graph with the bodies in it, without asking every node for its attributes: few operators hold a body."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rkmend.graph.protos import HOLDING

if TYPE_CHECKING:
    import onnx_ir as ir


def bodies_of(node: ir.Node) -> Iterator[ir.Graph]:
    """The graphs that a node holds: branches of an If, the body of a Loop or a Scan."""
    if node.op_type not in HOLDING and not node.domain:
        return
    import onnx_ir as ir

    for attribute in node.attributes.values():
        if attribute.type == ir.AttributeType.GRAPH:
            yield attribute.as_graph()
        elif attribute.type == ir.AttributeType.GRAPHS:
            yield from attribute.as_graphs()


def inner_nodes(node: ir.Node) -> Iterator[ir.Node]:
    """All nodes in the bodies of a node, however deep."""
    for body in bodies_of(node):
        yield from every_node(body)


def every_node(graph: ir.Graph) -> Iterator[ir.Node]:
    """All nodes of a graph and of the bodies in it, in graph order, a node before what is in it."""
    for node in graph:
        yield node
        if node.op_type in HOLDING or node.domain:
            yield from inner_nodes(node)


def every_graph(graph: ir.Graph) -> Iterator[ir.Graph]:
    """A graph and all bodies in it, however deep, in graph order."""
    yield graph
    for node in graph:
        for body in bodies_of(node):
            yield from every_graph(body)
