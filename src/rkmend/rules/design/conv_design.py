"""ConvDesign: rules about Convs that convert and leave much of the NPU idle."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from rkmend.rules.base import Fact, Finding
from rkmend.rules.conv.conv_node import ConvNode, convs_of
from rkmend.rules.design_rule import DesignRule
from rkmend.rules.remembered import remembered
from rkmend.targets import Target
from rkmend.tiling.conv import ConvGeometry
from rkmend.tiling.cost import Cost, conv_cost

if TYPE_CHECKING:
    import onnx_ir as ir

MATTERS = 0.05
"""Of the cycles of all Convs: a layer below that is not worth a word."""


class ConvDesign(DesignRule):
    """A rule about Convs that count: those with some part of the cycles of all."""

    operators = frozenset({"Conv"})

    @abstractmethod
    def idle(self, conv: ConvNode, cost: Cost, target: Target) -> Mapping[str, Fact] | None:
        """The facts because of which the rule holds at a Conv that counts."""

    def holds(self, node: ir.Node, target: Target) -> Mapping[str, Fact] | None:
        """Without the network round it."""
        conv = ConvNode.read(node)
        return None if conv is None else self.idle(conv, _cost(conv, target), target)

    def find(self, model: ir.Model, target: Target) -> Iterator[Finding]:
        """The Convs that count."""
        costs = _costs(model, target)
        whole = sum(cost.total for cost in costs)
        for conv, cost in zip(convs_of(model), costs, strict=True):
            if cost.total >= MATTERS * whole and (facts := self.idle(conv, cost, target)) is not None:
                facts = {**facts, "share_percent": round(100 * cost.total / whole)}
                name = str(conv.node.name)
                yield Finding(self.code, self.name, (name,), facts, self.message(conv.node, facts))


@remembered
def _costs(model: ir.Model, target: Target) -> list[Cost]:
    """Of each Conv; networks repeat their layers, so each kind is reckoned with once."""
    known: dict[tuple[ConvGeometry, bool], Cost] = {}
    costs = []
    for conv in convs_of(model):
        kind = conv.geometry, conv.bias is None
        if kind not in known:
            known[kind] = _cost(conv, target)
        costs.append(known[kind])
    return costs


def _cost(conv: ConvNode, target: Target) -> Cost:
    return conv_cost(conv.geometry, target.dtypes[0], target, bias=conv.bias is not None)
