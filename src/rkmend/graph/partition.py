"""Partition: a model cut in two, so that the second part can run elsewhere on what the first one gives."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from rkmend.graph.extract import extract
from rkmend.graph.surgery import CannotExtract, reads_of

if TYPE_CHECKING:
    import onnx_ir as ir

HEAVY = frozenset({"Conv", "ConvTranspose", "Gemm", "MatMul", "LSTM", "GRU", "RNN", "Einsum", "Attention"})
"""Operators that are the reason to have an NPU."""


def cut_before(model: ir.Model, nodes: Collection[str]) -> tuple[ir.Model, ir.Model]:
    """Cuts a model before some nodes.

    Args:
        model: With inferred shapes; left as it is. Weights are shared with the results.
        nodes: Names of nodes of the main graph.

    Returns:
        The head, which holds all that does not depend on the nodes, and the tail, which holds the nodes and all that
        depends on them. What the tail needs are outputs of the head and inputs of the model; the outputs of the model
        are in either.

    Raises:
        CannotExtract: A heavy operator would be in the tail, or none be left in the head, so that the NPU would have
            little to do; or a part cannot stand alone.
    """
    names = set(nodes)
    first = [node for node in model.graph if node.name in names]
    behind = set(first)
    for node in model.graph:  # in topological order
        if any(value.producer() in behind for value in reads_of(node)):
            behind.add(node)
    heavy = [node for node in behind if node.op_type in HEAVY]
    if heavy:
        raise CannotExtract(f"{heavy[0].op_type} '{heavy[0].name}' depends on them")
    front = [node for node in model.graph if node not in behind]
    if not any(node.op_type in HEAVY for node in front):
        raise CannotExtract("nothing before them is worth an NPU")
    head, tail = ([str(node.name) for node in part] for part in (front, behind))
    return extract(model, head), extract(model, tail)
