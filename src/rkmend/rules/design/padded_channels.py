"""RKM603: channels that the NPU pads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rkmend.rules.base import Fact
from rkmend.rules.conv.conv_node import ConvNode
from rkmend.rules.design.conv_design import ConvDesign
from rkmend.targets import Target
from rkmend.tiling.cost import Cost
from rkmend.tiling.storage import is_depthwise, rounded

if TYPE_CHECKING:
    import onnx_ir as ir

WASTE = 0.25
IMAGE = 4
"""Channels of an image at most; the first layer of a network has no choice."""


class PaddedChannels(ConvDesign):
    """A Conv whose numbers of channels do not fill the multipliers.

    ## What happens

    The model converts and is right. A quarter or more of the multiplications of the layer are with zeros.

    ## Why

    In every cycle a core multiplies a group of input channels with a group of kernels (RK3588 in fp16: 32 channels, 16
    kernels; in int8: 32 and 32), and of a depth-wise Conv a group of 64 channels. What the numbers of channels leave of
    the last group is filled with zeros.

    ## Example

    3x3, 36 -> 36 channels on RK3588 in fp16: 64 and 48 are computed, 58 % for nothing. With 32 -> 32 it takes a third
    of the cycles, with 64 -> 48 the same.

    ## What rkmend does

    It names the numbers and the next ones that fill the groups. Nothing is changed.

    ## Exactness and its limits

    Only layers that are bound by computing, have a twentieth of the cycles of all Convs or more, and read no image
    (1 to 4 channels). Convs in groups are another rule's (RKM604). The cycles are the compiler's own reckoning; a board
    has other costs besides.

    ## Evidence

    Cycles of toolkit 2.3.2, rk3588, fp16, 3x3 on 32x32: 55,296 with 36 -> 36 channels and with 64 -> 48, 18,432 with
    32 -> 32; 36,864 with 17 -> 33, 73,728 with 64 -> 60. `rkmend.tiling.cost` gives the same, and the cycles of all
    Convs that docs/agreement.md lists to 5 %, on four targets. A
    depth-wise 7x7 Conv takes 50,176 cycles on 16x32x32: 1024 pixels x 49 taps, with 16 channels as with 64.
    """

    code = "RKM603"
    name = "padded-channels"

    def idle(self, conv: ConvNode, cost: Cost, target: Target) -> Mapping[str, Fact] | None:
        """The channels, and what they are padded to."""
        shape, mac = conv.geometry, target.mac[target.dtypes[0]]
        if cost.bound != "compute" or shape.channels <= IMAGE:
            return None
        if is_depthwise(shape):
            channels = rounded(shape.channels, target.depthwise_channels)
            waste = 1 - shape.channels / channels
            facts: dict[str, Fact] = {"channels": shape.channels, "computed_channels": channels}
        elif shape.groups == 1:
            channels, kernels = (
                rounded(shape.channels, mac.channels),
                rounded(shape.out_channels, mac.kernels),
            )
            waste = 1 - shape.channels * shape.out_channels / (channels * kernels)
            facts = {
                "channels": shape.channels,
                "computed_channels": channels,
                "out_channels": shape.out_channels,
                "computed_out_channels": kernels,
            }
        else:
            return None
        return {**facts, "waste_percent": round(100 * waste)} if waste >= WASTE else None

    def message(self, node: ir.Node, facts: Mapping[str, Fact]) -> str:
        """What is computed, and what for nothing."""
        if "out_channels" in facts:
            has = f"{facts['channels']} -> {facts['out_channels']} channels"
            computed = f"{facts['computed_channels']} -> {facts['computed_out_channels']}"
        else:
            has = f"{facts['channels']} channels, each by itself,"
            computed = f"{facts['computed_channels']}"
        waste = f"{facts['waste_percent']} % of the multiplications are with zeros"
        return f"Conv '{node.name}' has {has} and is computed as {computed}: {waste}."
