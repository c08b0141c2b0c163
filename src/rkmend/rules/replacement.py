"""Replacement: puts new nodes in the place of one node and leaves a note on each where it comes from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import onnx_ir as ir

PROVENANCE = ("rkmend.rule", "rkmend.mend", "rkmend.from")
"""Keys of a mended node's `metadata_props`: rule code, mend name, name of the node it replaces."""


class Replacement:
    """Collects the nodes that take the place of `node`, then swaps them in.

    Everything new is named `<node>/rkmend/<part>`, with a number behind where that is taken.

    Args:
        node: A node of a graph, with one output.
        code: The rule.
        mend: The mend.
    """

    def __init__(self, node: ir.Node, *, code: str, mend: str) -> None:
        assert node.graph is not None
        self._old = node
        self._graph = node.graph
        self._note = dict(zip(PROVENANCE, (code, mend, node.name or ""), strict=True))
        self._nodes: list[ir.Node] = []
        self._taken = {name for other in node.graph.all_nodes() for name in _names(other)}
        self._taken.update(value.name or "" for value in node.graph.inputs)
        self._taken.update(node.graph.initializers)

    @property
    def opset(self) -> int:
        """Version of the default operator set."""
        return self._graph.opset_imports.get("", 1)

    def constant(self, part: str, array: np.ndarray[Any, np.dtype[Any]]) -> ir.Value:
        """A new initializer."""
        import onnx_ir as ir

        name = self._name(part)
        value = ir.val(name, const_value=ir.tensor(array, name=name))
        self._graph.register_initializer(value)
        return value

    def node(
        self, part: str, op_type: str, inputs: Sequence[ir.Value | None], attributes: dict[str, Any]
    ) -> ir.Value:
        """A new node of the default domain; returns its output."""
        import onnx_ir as ir

        name = self._name(part)
        node = ir.node(op_type, inputs, attributes, name=name, metadata_props=dict(self._note))
        node.outputs[0].name = name
        node.outputs[0].type = self._old.outputs[0].type
        self._nodes.append(node)
        return node.outputs[0]

    def finish(self, value: ir.Value) -> None:
        """Lets `value` take over name, consumers and place in the graph's outputs, and removes the old node.

        Constants that only the old node used go too.
        """
        import onnx_ir as ir

        inputs = [one for one in self._old.inputs if one is not None]
        ir.convenience.replace_nodes_and_values(
            self._graph, self._old, [self._old], self._nodes, self._old.outputs, [value]
        )
        for one in inputs:
            if one.uses() or one.is_graph_input() or one.is_graph_output():
                continue
            producer = one.producer()
            if one.is_initializer():
                del self._graph.initializers[one.name or ""]
            elif producer is not None and producer.op_type == "Constant":
                self._graph.remove(producer, safe=True)

    def _name(self, part: str) -> str:
        stem = name = f"{self._old.name or self._old.outputs[0].name}/rkmend/{part}"
        number = 2
        while name in self._taken:
            name, number = f"{stem}_{number}", number + 1
        self._taken.add(name)
        return name


def _names(node: ir.Node) -> list[str]:
    return [node.name or "", *(output.name or "" for output in node.outputs)]
