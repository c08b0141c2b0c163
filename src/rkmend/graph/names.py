"""Node names: the one thing by which a log, a rule, a mend and a report speak of the same operator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rkmend.graph.walk import every_node

if TYPE_CHECKING:
    import onnx_ir as ir

LISTED = 4
"""Names that a sentence has room for; all of them stand in the report."""


def listed(names: Sequence[str]) -> str:
    """Names in a sentence."""
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(names[:LISTED]) + more


def name_nodes(graph: ir.Graph) -> dict[str, str]:
    """Gives every node, those in subgraphs included, a name that no other node has.

    A node without a name, or with one that an earlier node has, is called `<OpType>_<index>`, the index
    counting all nodes in graph order from 0.

    Returns:
        New name -> old name, empty where there was none.
    """
    nodes = list(every_node(graph))
    taken = {node.name for node in nodes}
    seen: set[str] = set()
    renamed: dict[str, str] = {}
    for index, node in enumerate(nodes):
        old = node.name or ""
        if not old or old in seen:
            node.name = _free(f"{node.op_type}_{index}", taken)
            taken.add(node.name)
            renamed[node.name] = old
        seen.add(str(node.name))
    return renamed


def _free(name: str, taken: set[str | None]) -> str:
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}_{number}"
    return free
