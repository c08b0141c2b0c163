"""Fused: the tensors of a model that exist only within a layer of the compiler's, so that nothing rounds them.

From the layer tables of own int8 builds (2.3.2, rk3588): ConvRelu, ConvSigmoid, ConvExSwish, exNorm, exGelu ...
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx_ir as ir

LAYERS = frozenset({"Conv", "ConvTranspose", "Gemm", "MatMul"})
"""Operators that a layer begins with."""
ACTIVATIONS = frozenset(
    {"Clip", "Elu", "HardSigmoid", "HardSwish", "LeakyRelu", "PRelu", "Relu", "Sigmoid", "Softplus", "Tanh"}
)
GATES = frozenset({"HardSigmoid", "Sigmoid"})
"""Activations that make another one together with a Mul by what they read: Swish and HardSwish."""
LIMITS = frozenset({"Clip", "Relu"})
"""Activations that any tensor takes its range from."""
AFFINE = frozenset({"Add", "BatchNormalization", "Mul"})
"""Operators that are folded into a layer where their other operands are constant."""
INSIDES = (
    ("ReduceMean", "Sub", "Mul Pow", "ReduceMean", "Add", "Sqrt"),
    ("Div Mul", "Erf", "Add", "Mul"),
)
"""Chains of operators within one: the normalisation and Gelu."""


def fused(model: ir.Model) -> set[ir.Value]:
    """The tensors of the main graph that are not there once the model is compiled."""
    graph = model.graph
    found = {value for node in graph for value in node.outputs if _goes_on(value)}
    for node in graph:
        found.update(_inside(node))
    return {value for value in found if not value.is_graph_output()}


def _goes_on(value: ir.Value) -> bool:
    """Whether the layer that computes a tensor computes what reads it as well."""
    maker, readers = value.producer(), {use.node for use in value.uses()}
    kinds = {reader.op_type for reader in readers}
    assert maker is not None
    if len(readers) == 1 and kinds <= LIMITS:
        return True
    if maker.op_type in GATES and kinds == {"Mul"} and len(readers) == 1:
        return maker.inputs[0] in next(iter(readers)).inputs
    if maker.op_type not in LAYERS and not _is_folded(maker):
        return False
    if len(readers) == 1:
        return kinds <= ACTIVATIONS or _is_folded(next(iter(readers)))
    gates = [reader for reader in readers if reader.op_type in GATES]
    return len(readers) == 2 and len(gates) == 1 and gates[0].outputs[0] in _other_inputs(readers, gates[0])


def _other_inputs(readers: set[ir.Node], gate: ir.Node) -> set[ir.Value | None]:
    return {value for reader in readers - {gate} if reader.op_type == "Mul" for value in reader.inputs}


def _is_folded(node: ir.Node) -> bool:
    """Whether an operator belongs to the layer in front of it, as a BatchNormalization behind a Conv does."""
    import onnx_ir as ir

    constant = ir.convenience.get_const_tensor
    computed = [value.producer() for value in node.inputs if value is not None and constant(value) is None]
    maker = computed[0] if len(computed) == 1 else None
    return node.op_type in AFFINE and maker is not None and maker.op_type in LAYERS


def _inside(last: ir.Node) -> Iterator[ir.Value]:
    """What is computed on the way to a node that ends a chain."""
    for chain in INSIDES:
        nodes: list[ir.Node] = []
        node: ir.Node | None = last
        for kinds in reversed(chain):
            if node is None or node.op_type not in kinds.split():
                break
            nodes.append(node)
            node = _before(node, chain[max(0, len(chain) - len(nodes) - 1)].split())
        else:
            yield from (value for node in nodes for value in node.outputs)


def _before(node: ir.Node, kinds: list[str]) -> ir.Node | None:
    makers = [value.producer() for value in node.inputs if value is not None]
    return next((maker for maker in makers if maker is not None and maker.op_type in kinds), None)
