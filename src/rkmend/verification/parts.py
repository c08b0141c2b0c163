"""Parts: which elements of an output come from which tensor, where a model joins several to one.

An int8 build has one range for all of an output. Boxes in pixels and scores below 1 in the same one leave nothing of
the scores, and the whole agrees to five digits. So each part has to be right by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np

from rkmend.graph.values import static_shape

if TYPE_CHECKING:
    import onnx_ir as ir

    Labels = np.ndarray[Any, np.dtype[Any]]

ELEMENTWISE = frozenset(
    {"Cast", "Clip", "Exp", "HardSigmoid", "Identity", "LeakyRelu", "Relu", "Sigmoid", "Softplus", "Tanh"}
)
RESHAPING = frozenset({"Flatten", "Reshape", "Squeeze", "Unsqueeze"})


def parts(model: ir.Model) -> dict[str, Labels]:
    """For each output that joins several tensors: the number of the part that each element belongs to."""
    found = {}
    for output in model.graph.outputs:
        labels = _labels(output, count().__next__)
        if labels is not None and labels.size and labels.max() > 0:
            found[str(output.name)] = labels
    return found


def joining(model: ir.Model, outputs: Collection[str]) -> tuple[str, ...]:
    """The operators from the last Concat on to each of these outputs, in graph order; none of outputs without one."""
    found: set[str] = set()
    for output in model.graph.outputs:
        chain: list[str] = []
        node = output.producer() if output.name in outputs else None
        while node is not None and _is_followed(node):
            chain.append(str(node.name))
            if node.op_type == "Concat":
                found.update(chain)
                break
            node = node.inputs[0].producer() if node.inputs[0] is not None else None
    return tuple(str(node.name) for node in model.graph if node.name in found)


def _labels(value: ir.Value, number: Callable[[], int]) -> Labels | None:
    """None where a shape is not known."""
    shape, node = static_shape(value), value.producer()
    if shape is None:
        return None
    if node is None or not _is_followed(node):
        return np.full(shape, number(), np.int16)
    sources = [one for one in node.inputs if one is not None]
    if node.op_type != "Concat":
        sources = sources[:1]
    labels = [_labels(source, number) for source in sources]
    known = [one for one in labels if one is not None]
    if len(known) < len(labels):
        return None
    if node.op_type == "Concat":
        return np.concatenate(known, axis=node.attributes.get_int("axis", 1))
    if node.op_type == "Transpose":
        known = [known[0].transpose(node.attributes.get_ints("perm", range(len(shape))[::-1]))]
    return known[0].reshape(shape)


def _is_followed(node: ir.Node) -> bool:
    return node.op_type in ELEMENTWISE | RESHAPING | {"Concat", "Transpose"}
