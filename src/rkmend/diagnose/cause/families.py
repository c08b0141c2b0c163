"""Which family an explanation speaks of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rkmend.diagnose.cause.conv_family import ConvFamily
from rkmend.diagnose.cause.conv_point import point_of
from rkmend.diagnose.cause.family import Family
from rkmend.diagnose.cause.general_family import GeneralFamily
from rkmend.rules.conv.conv_node import ConvNode
from rkmend.targets import Target

if TYPE_CHECKING:
    import onnx_ir as ir


def families(
    culprit: ir.Model, reproducer: ir.Model, origins: Mapping[str, str], target: Target
) -> list[Family]:
    """The families to try, the most telling first; a family whose start does not fail alike is none.

    Args:
        culprit: The nodes that are needed, with their original sizes.
        reproducer: What is left of it.
        origins: Names in the reproducer -> names in the culprit.
        target: What the model is converted for.
    """
    found: list[Family] = []
    small = _single_conv(reproducer)
    if small is not None:
        name = origins.get(str(small.node.name), str(small.node.name))
        large = next(
            (conv for node in culprit.graph if node.name == name and (conv := ConvNode.read(node))), small
        )
        found.append(
            ConvFamily(
                point_of(small.geometry, bias=small.bias is not None),
                point_of(large.geometry, bias=large.bias is not None),
                target,
            )
        )
    found.append(GeneralFamily(culprit))
    return found


def _single_conv(model: ir.Model) -> ConvNode | None:
    nodes = list(model.graph)
    return ConvNode.read(nodes[0]) if len(nodes) == 1 else None
