"""Replacement: puts new nodes in the place of old ones and leaves a note on each where it comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import onnx_ir as ir

PROVENANCE = ("rkmend.rule", "rkmend.mend", "rkmend.from")
"""Keys of a mended node's `metadata_props`: rule code, mend name, name of the node it replaces."""


class Replacement:
    """Collects the nodes that take the place of `node`, and of others with it, then swaps them in.

    Everything new is named `<node>/rkmend/<part>`, with a number behind where that is taken.

    Args:
        node: A node of a graph: the last of those that go, in graph order.
        code: The rule.
        mend: The mend.
        others: Nodes before it that go as well; nothing else reads what they make.
    """

    def __init__(self, node: ir.Node, *, code: str, mend: str, others: Sequence[ir.Node] = ()) -> None:
        assert node.graph is not None
        self._old = node
        self._gone = [*others, node]
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
        self,
        part: str,
        op_type: str,
        inputs: Sequence[ir.Value | None],
        attributes: Mapping[str, Any] | None = None,
    ) -> ir.Value:
        """A new node of the default domain with one output; returns that, with the dtype of the old output.

        Its dtype is only a guess where there is another, as after a Cast or a comparison: `infer` puts it right.
        """
        (value,) = self.nodes(part, op_type, inputs, attributes, outputs=1)
        return value

    def nodes(
        self,
        part: str,
        op_type: str,
        inputs: Sequence[ir.Value | None],
        attributes: Mapping[str, Any] | None = None,
        *,
        outputs: int,
    ) -> tuple[ir.Value, ...]:
        """A new node with several outputs."""
        import onnx_ir as ir

        name = self._name(part)
        node = ir.node(
            op_type, inputs, attributes or {}, name=name, num_outputs=outputs, metadata_props=dict(self._note)
        )
        for number, value in enumerate(node.outputs):
            value.name = name if number == 0 else self._name(f"{part}_out{number}")
            value.type = self._old.outputs[0].type
        self._nodes.append(node)
        return tuple(node.outputs)

    def finish(self, *values: ir.Value | None) -> None:
        """Lets `values` take over name, consumers and place in the graph's outputs, and removes the old nodes.

        Constants that only the old nodes used go too.

        Args:
            values: One for each output of `node`; None for one that nobody reads.
        """
        import onnx_ir as ir

        inputs = [one for node in self._gone for one in node.inputs if one is not None]
        pairs = [(old, new) for old, new in zip(self._old.outputs, values, strict=True) if new is not None]
        ir.convenience.replace_nodes_and_values(
            self._graph,
            self._old,
            self._gone,
            self._nodes,
            [old for old, _ in pairs],
            [new for _, new in pairs],
        )
        for one in dict.fromkeys(inputs):
            if one.uses() or one.is_graph_input() or one.is_graph_output():
                continue
            producer = one.producer()
            if one.is_initializer():
                del self._graph.initializers[one.name or ""]
            elif producer is not None and producer.op_type == "Constant" and producer.graph is not None:
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
