"""Tidy: takes out what a rewrite left without a reader."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rkmend.graph.surgery import is_read

if TYPE_CHECKING:
    import onnx_ir as ir


def drop_dead(model: ir.Model) -> None:
    """Removes the operators and constants of the main graph that nothing depends on; graph inputs stay."""
    for node in reversed(model.graph):
        if not any(map(is_read, node.outputs)):
            model.graph.remove(node, safe=True)
    for name, value in list(model.graph.initializers.items()):
        if not is_read(value) and not value.is_graph_input():
            del model.graph.initializers[name]
