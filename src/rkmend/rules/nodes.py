"""The nodes of a model by their type, so that a rule looks at its own operators and not at all of them."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from rkmend.graph.walk import inner_nodes
from rkmend.rules.remembered import remembered

if TYPE_CHECKING:
    import onnx_ir as ir


def kind_of(node: ir.Node) -> str:
    """The operator type; outside of the default domain as `com.microsoft::Gelu`."""
    return f"{node.domain}::{node.op_type}" if node.domain else node.op_type


def nodes_of(model: ir.Model, kinds: Collection[str]) -> list[ir.Node]:
    """The nodes of the main graph that are of these kinds, in graph order."""
    index = _index(model)
    held = [index[kind] for kind in kinds if kind in index]
    if len(held) > 1:
        return [node for _place, node in sorted(placed for nodes in held for placed in nodes)]
    return [node for nodes in held for _place, node in nodes]


@remembered
def kinds_in(model: ir.Model) -> frozenset[str]:
    """All kinds of nodes in a model, those in bodies included."""
    inner = (kind_of(node) for top in model.graph for node in inner_nodes(top))
    return frozenset((*_index(model), *inner))


@remembered
def _index(model: ir.Model) -> dict[str, list[tuple[int, ir.Node]]]:
    """Kind -> nodes of the main graph, each with its place, which no two share."""
    index: dict[str, list[tuple[int, ir.Node]]] = {}
    for place, node in enumerate(model.graph):
        index.setdefault(kind_of(node), []).append((place, node))
    return index
