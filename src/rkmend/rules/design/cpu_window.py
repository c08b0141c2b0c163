"""RKM607: a convolution or a pooling of which a part is left to the CPU."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rkmend.rules.base import Fact, Level
from rkmend.rules.conv.limits import LONGEST_PART, MAX_PAD
from rkmend.rules.conv.max_pool_place import Place, place_of
from rkmend.rules.conv.pooling import counts_padding
from rkmend.rules.conv.sliding import Sliding
from rkmend.rules.conv.transposed import OWN_STRIDES, TransposedConv
from rkmend.rules.design_rule import DesignRule
from rkmend.targets import Target
from rkmend.tiling.storage import widest_element

if TYPE_CHECKING:
    import onnx_ir as ir


class CpuWindow(DesignRule):
    """A convolution or a pooling of which a part is left to the CPU.

    ## What happens

    The model converts, and the layer table says `CPU` for the pooling, or for a Pad or an `exConvTransposePad` before
    the Conv.

    ## Why

    The NPU pads a Conv by at most 15, and the toolkit cuts a kernel over 16 into parts; both make a Pad, which the NPU
    does where the channels fill whole groups (of 8 in fp16, 16 in int8; half of it on RK3566 and RK3568). It averages
    with a constant divisor. Of a large MaxPool it makes small ones where the window is square, padded alike on both
    sides, and moves by 1 along the height. A ConvTranspose has strides of 1, 2, 4 and 8 (up to 8 on RK3562 and RK3576);
    for others the input is spread on the CPU.

    ## Example

    `AveragePool` 3x3, pads 1, without `count_include_pad`; `ConvTranspose` with strides of 3.

    ## What rkmend does

    It names the part. Nothing is changed: choose another padding, stride or window.

    ## Exactness and its limits

    Static shapes, two spatial axes. The document says that the NPU has kernels up to 31; the compiler has up to 16, and
    larger ones only where they are dilated. The compiler is right.

    ## Evidence

    Own trials of random layers, one operator each, toolkit 2.3.2, fp16 and int8: see the column `on CPU` in
    docs/agreement.md. Of 420 Convs with pads up to 25 and kernels up to 31 on four targets all that converted had a Pad
    on the CPU just as computed here; so had 440 MaxPools with windows up to 36 their place. A few dilated Convs of many
    channels have a Pad on the CPU without being said to.
    """

    code = "RKM607"
    name = "cpu-window"
    level = Level.WARNING
    operators = frozenset({"Conv", "ConvTranspose", "MaxPool", "AveragePool"})

    def holds(self, node: ir.Node, target: Target) -> Mapping[str, Fact] | None:
        """What of it the NPU does not do."""
        if node.op_type == "ConvTranspose":
            return _of_transposed(node, target)
        window = Sliding.read(node)
        if window is None or len(window.axes) != 2:
            return None
        return {"Conv": _of_conv, "MaxPool": _of_largest, "AveragePool": _of_mean}[node.op_type](
            node, window, target
        )

    def message(self, node: ir.Node, facts: Mapping[str, Fact]) -> str:
        """Which part, and why."""
        return (
            f"{node.op_type} '{node.name}': {facts['part']} runs on the CPU, because of {facts['because']}."
        )


def _of_conv(node: ir.Node, window: Sliding, target: Target) -> Mapping[str, Fact] | None:
    group = target.atom_bytes // widest_element(target)
    if window.shape[1] % group == 0:
        return None
    pad = max(max(axis.pad_begin, axis.pad_end) for axis in window.axes)
    kernel = max(axis.kernel if axis.dilation == 1 else 1 for axis in window.axes)
    if pad > MAX_PAD:
        return {"part": "its padding", "because": f"a pad of {pad} and {window.shape[1]} channels"}
    if kernel > LONGEST_PART and pad:
        return {"part": "its padding", "because": f"a kernel of {kernel} and {window.shape[1]} channels"}
    return None


def _of_largest(node: ir.Node, window: Sliding, target: Target) -> Mapping[str, Fact] | None:
    if place_of(node, window, target) is not Place.CPU:
        return None
    high, wide = window.axes
    return {"part": "all of it", "because": f"a window of {high.kernel}x{wide.kernel}"}


def _of_mean(node: ir.Node, window: Sliding, target: Target) -> Mapping[str, Fact] | None:
    padded = any(axis.pad_begin or axis.pad_end for axis in window.axes)
    if counts_padding(node):
        return _of_conv(node, window, target)
    apart = all(axis.stride > axis.kernel <= axis.size for axis in window.axes)
    if not padded or apart:
        return None
    return {"part": "all of it", "because": "padding that does not count"}


def _of_transposed(node: ir.Node, target: Target) -> Mapping[str, Fact] | None:
    conv = TransposedConv.read(node)
    if conv is None or not conv.is_stuffed(target):
        return None
    stride = next(axis.stride for axis in conv.axes if axis.stride not in OWN_STRIDES)
    return {"part": "the spreading of its input", "because": f"a stride of {stride}"}
