"""RKM604: a Conv in groups."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rkmend.rules.base import Fact
from rkmend.rules.conv.conv_node import ConvNode
from rkmend.rules.design.conv_design import ConvDesign
from rkmend.targets import Target
from rkmend.tiling.cost import Cost
from rkmend.tiling.storage import is_depthwise

if TYPE_CHECKING:
    import onnx_ir as ir


class GroupedConv(ConvDesign):
    """A Conv in groups that is not depth-wise.

    ## What happens

    The model converts and is right. The layer table has a Split, a Conv for each group and a Concat in its place, or
    one Conv over all channels whose weights are zero between the groups.

    ## Why

    The convolution unit knows all channels and single channels, nothing between. Groups save multiplications on paper
    only: each Conv is padded to the channels that are computed at once, and each costs a task.

    ## Example

    3x3 in 32 groups, 256 -> 256 channels, on 16x16: 34 layers. The compiler reckons with the same cycles as for 4
    groups, which have eight times as many multiplications.

    ## What rkmend does

    It names the groups. Nothing is changed. A depth-wise Conv, or fewer and wider groups, suit the NPU better.

    ## Exactness and its limits

    Only layers with a twentieth of the cycles of all Convs or more.

    ## Evidence

    Toolkit 2.3.2, rk3588, fp16, 3x3 on 16x16: 64 channels in 2 or 4 groups and 256 channels in 4 or 32 become Split,
    Convs and Concat, 512 in 32 as well; 64 in 32 groups and 16 in 4 become one Conv over all channels. The model takes
    112,730 cycles with 256 channels in 4 groups as in 32.
    """

    code = "RKM604"
    name = "grouped-conv"

    def idle(self, conv: ConvNode, cost: Cost, target: Target) -> Mapping[str, Fact] | None:
        """The groups."""
        shape = conv.geometry
        if shape.groups == 1 or is_depthwise(shape):
            return None
        return {"groups": shape.groups, "channels_per_group": shape.channels // shape.groups}

    def message(self, node: ir.Node, facts: Mapping[str, Fact]) -> str:
        """Groups and channels."""
        return (
            f"Conv '{node.name}' has {facts['groups']} groups of {facts['channels_per_group']} channels; the NPU "
            "computes each group by itself, padded, or all channels with zeros between the groups."
        )
