"""Where numbers are lost: between the tensors of a network that are known to be right, or less right."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING

from rkmend.graph.surgery import reads_of

if TYPE_CHECKING:
    import onnx_ir as ir


def feeds(model: ir.Model, tensors: Collection[str]) -> dict[str, frozenset[str]]:
    """For each tensor that a node of the model makes, the nearest tensors that it is computed from.

    Args:
        model: Its main graph is looked at.
        tensors: Names. What lies between them is passed over, and inputs of the model lose nothing.
    """
    known: dict[ir.Value, frozenset[str]] = {}

    def behind(node: ir.Node) -> Iterator[str]:
        for value in reads_of(node):
            if value.name and value.name in tensors and value.producer() is not None:
                yield value.name
            else:
                yield from known.get(value, ())

    for node in model.graph:
        reached = frozenset(behind(node))
        known.update(dict.fromkeys(node.outputs, reached))
    return {str(value.name): reached for value, reached in known.items() if value.name in tensors}


def sources(behind: Mapping[str, Collection[str]], wrong: Collection[str]) -> frozenset[str]:
    """The wrong tensors that are computed from right ones only."""
    return frozenset(tensor for tensor in wrong if tensor in behind and not set(behind[tensor]) & set(wrong))


def largest_loss(behind: Mapping[str, Collection[str]], lost: Mapping[str, float]) -> str:
    """The tensor in which most is lost beyond what is lost in any that it is computed from; empty for none.

    Args:
        behind: As `feeds` gives it.
        lost: Share of the energy of a tensor that is error, for all its keys.
    """
    margins = {
        tensor: lost[tensor] - max((lost[one] for one in before), default=0.0)
        for tensor, before in behind.items()
    }
    tensor = max(margins, key=margins.__getitem__, default="")
    return tensor if tensor and margins[tensor] > 0 else ""
