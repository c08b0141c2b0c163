"""Which operators are computed along with the convolution before them, and which move nothing at all.

Source: the layers that toolkit 2.3.2 lists for networks on rk3588 (ConvRelu, ConvExSwish, ConvAdd, ...).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rkmend.graph.values import static_shape

if TYPE_CHECKING:
    import onnx_ir as ir

VIEWS = frozenset({"Dropout", "Flatten", "Identity", "Reshape", "Squeeze", "Unsqueeze"})
ACTIVATIONS = frozenset(
    {"Clip", "Elu", "HardSigmoid", "HardSwish", "LeakyRelu", "PRelu", "Relu", "Sigmoid", "Softplus", "Tanh"}
)


@dataclass
class Head:
    """A layer that others may be fused into, and where it stands.

    Attributes:
        node: That computes it.
        place: In graph order.
        fused: The nodes that are computed along with it.
        added: Features of another layer that are added to its own.
        output: What comes out in the end.
    """

    node: ir.Node
    place: int
    output: ir.Value
    fused: list[ir.Node] = field(default_factory=list)
    added: list[ir.Value] = field(default_factory=list)


def is_view(node: ir.Node) -> bool:
    """Whether the output is the input under another shape."""
    return not node.domain and node.op_type in VIEWS


def fuse(node: ir.Node, heads: Mapping[ir.Value, Head], constants: Collection[ir.Value]) -> Head | None:
    """The layer that a node is fused into; it is entered there.

    Args:
        node: The next in graph order.
        heads: By the values that layers of the convolution unit give, so far.
        constants: Values that do not depend on the inputs of the model.
    """
    found = None if node.domain else _head_of(node, heads, constants)
    if found is not None:
        found.fused.append(node)
        found.output = node.outputs[0]
    return found


def _head_of(node: ir.Node, heads: Mapping[ir.Value, Head], constants: Collection[ir.Value]) -> Head | None:
    first = node.inputs[0] if node.inputs else None
    head = heads.get(first) if first is not None else None
    if node.op_type in ACTIVATIONS or node.op_type == "BatchNormalization":
        if head and first is not None and (_only(first, node) or _gates(node, first)):
            return head
        return None
    if node.op_type == "Mul":
        return _gated(node, heads)
    if node.op_type == "Add":
        return _sum(node, heads, constants)
    return None


def _only(value: ir.Value, node: ir.Node) -> bool:
    """Whether nothing else reads a value."""
    return not value.is_graph_output() and all(reader is node for reader in value.consumers())


def _gates(node: ir.Node, first: ir.Value) -> bool:
    """Whether x * node(x) is all that is done with x: Swish, in two operators."""
    gate = node.outputs[0]
    readers = set(first.consumers()) - {node}
    if len(readers) != 1 or first.is_graph_output() or gate.is_graph_output():
        return False
    product = readers.pop()
    return product.op_type == "Mul" and set(product.inputs) == {first, gate} and _only(gate, product)


def _gated(node: ir.Node, heads: Mapping[ir.Value, Head]) -> Head | None:
    one, other = (heads.get(value) if value is not None else None for value in node.inputs)
    if one is None or one is not other or not one.fused or one.fused[-1].outputs[0] not in node.inputs:
        return None
    return one


def _ends_in_swish(head: Head) -> bool:
    """Nothing is added to the output of a Swish while it is computed."""
    return bool(head.fused) and head.fused[-1].op_type == "Mul"


def _sum(node: ir.Node, heads: Mapping[ir.Value, Head], constants: Collection[ir.Value]) -> Head | None:
    """The later of the layers whose outputs are added: the other's is read while it is computed."""
    shape = static_shape(node.outputs[0])
    fitting = [
        (heads[value], other)
        for value, other in (node.inputs, reversed(node.inputs))
        if value is not None and value in heads and _only(value, node) and static_shape(value) == shape
    ]
    for head, other in sorted(fitting, key=lambda pair: -pair[0].place):
        if other in constants:
            return head
        free = not head.added and not _ends_in_swish(head)
        if other is not None and free and static_shape(other) == shape:
            head.added.append(other)
            return head
    return None
