"""RKM116: a Conv whose dilated window does not fit into the on-chip buffer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import TYPE_CHECKING

from rkmend.rules.base import CannotApply, Exactness, Fact, Level
from rkmend.rules.conv.conv_node import ConvNode
from rkmend.rules.conv.limits import MAX_DILATION
from rkmend.rules.conv.taps import by_taps
from rkmend.rules.operands import is_constant
from rkmend.rules.operator import OperatorRule
from rkmend.rules.replacement import Replacement
from rkmend.targets import Target, load_target
from rkmend.tiling.bands import buffer_of, kernel_group, most_features, row_entries
from rkmend.tiling.conv import ConvGeometry
from rkmend.tiling.storage import is_depthwise, rounded, widest_element

if TYPE_CHECKING:
    import onnx_ir as ir

AFFECTED = ("rk3588", "rk3566", "rk3568", "rk3562", "rk3576")
WINDOWS_OF_ONE_CHANNEL = ("rk3576",)
"""Here depth-wise Convs convert, whatever their window."""


class WindowBeyondBuffer(OperatorRule):
    """A Conv whose dilated window does not fit into the on-chip buffer, however it is cut.

    ## What happens

    A depth-wise Conv ends the compiler, any other never ends:

        E RKNN: X tile buffer overflow! Failed to config layer: 'Conv:layer', Fatal Error input W too large
        E RKNN: buffer overflow!!!

    ## Why

    The compiler cuts a feature map into bands of rows, tiles of columns and parts of its channels. None is smaller than
    one window: dilated kernel height x dilated kernel width, of the fewest channels that are computed together, beside
    their weights for one kernel group. Spared are dilations over 31: the toolkit gathers what such taps see. On RK3576
    features have five banks of seven at most, and depth-wise Convs are spared.

    ## Example

    A depth-wise `Conv` 7x7 with a dilation of 20: a window of 121x121, 14,641 entries of 64 bytes, where 5,632 fit.

    ## What rkmend does

    * `tap-pieces`: cuts the kernel into parts that fit, and adds up what they give.

    ## Exactness and its limits

    `rounding`: the same products, summed in another order. Weights have to be constant.

    ## Evidence

    Own trials of random layers with toolkit 2.3.2, rk3588: 5 of 5 windows of 7,267 entries and more died or hung, 300
    and more of up to 3,856 entries converted; 5,256 entries beside two banks of weights never end, of 8 to 30 channels.
    Of 110 on maps of 1x1 (8 to 320 channels, groups, strides of 1 to 6) 38 died or hung, all as said and no others.
    Depth-wise, 5x5 to 11x11 of 16 to 859 channels, whatever the map: on rk3566 and rk3562 in fp16 windows of 81x81
    convert and those of 85x85 die, in int8 the same of 32 channels and more (60 each); on rk3588, of 64 and 128, fp16
    and int8, 73x73 converts and 77x77 dies (20).
    A depth-wise window of 501x501 converts for rk3576. There, of 1 to 58 channels, fp16 and int8, with groups and
    without, windows of 5,365 entries and more (145x145) never end (26 of 26) and those of up to 5,076 (141x141)
    convert; beside three banks of weights 4,522 never end, beside two they convert.
    """

    code = "RKM116"
    name = "window-beyond-buffer"
    level = Level.ERROR
    operators = frozenset({"Conv"})
    mend = "tap-pieces"
    summary = "Cuts the kernel into parts whose windows fit, and adds up what they give."
    exactness = Exactness.ROUNDING

    def holds(self, node: ir.Node, target: Target) -> Mapping[str, Fact] | None:
        """Where a window of the fewest channels takes more entries than there are beside one bank of weights."""
        if target.name not in AFFECTED or max(node.attributes.get_ints("dilations", ()) or (1,)) == 1:
            return None
        conv = ConvNode.read(node)
        if conv is None or not is_constant(node.inputs[1]):
            return None
        shape = conv.geometry
        if max(shape.dilation_h, shape.dilation_w) > MAX_DILATION:
            return None  # the toolkit gathers the rows and columns that the taps see, and puts the taps side by side
        if target.name in WINDOWS_OF_ONE_CHANNEL and is_depthwise(shape):
            return None
        needed, most = _entries(shape, (1, 1), target), _capacity(shape, (1, 1), target)
        if needed <= most:
            return None
        return {"window": f"{shape.rows.extent}x{shape.cols.extent}", "entries": needed, "most": most}

    def rewrite(self, node: ir.Node, new: Replacement) -> Sequence[ir.Value | None]:
        """A Conv for each part of the kernel, and their sum."""
        conv = ConvNode.read(node)
        assert conv is not None
        shape, targets = conv.geometry, [load_target(name) for name in AFFECTED]
        counts = product(range(1, shape.kernel_h + 1), range(1, shape.kernel_w + 1))
        for count in sorted(counts, key=lambda pair: (pair[0] * pair[1], pair)):
            if all(_entries(shape, count, target) <= _capacity(shape, count, target) for target in targets):
                return [by_taps(node, new, count)]
        raise CannotApply("not even one tap fits")


def _entries(shape: ConvGeometry, parts: tuple[int, int], target: Target) -> int:
    """Buffer entries of a window of the kernel cut into so many parts, of the fewest channels that may be."""
    high, wide = parts
    height = (-(-shape.kernel_h // high) - 1) * shape.dilation_h + 1
    width = (-(-shape.kernel_w // wide) - 1) * shape.dilation_w + 1
    width = min(width, shape.width + shape.pad_left + shape.pad_right)
    element = widest_element(target)
    return height * row_entries(width, _least(shape, element, target), element, target)


def _capacity(shape: ConvGeometry, parts: tuple[int, int], target: Target) -> int:
    """Entries beside the weights of one kernel group, or of a part of a depth-wise Conv."""
    cbuf, element = buffer_of(target), widest_element(target)
    taps = -(-shape.kernel_h // parts[0]) * -(-shape.kernel_w // parts[1])
    kernels = 1 if is_depthwise(shape) else min(shape.out_channels, kernel_group(element, target))
    size = kernels * taps * rounded(_least(shape, element, target) * element, target.atom_bytes)
    left = cbuf.banks - max(1, -(-size // cbuf.bank_bytes))
    return max(0, min(left, most_features(cbuf))) * cbuf.entries_per_bank


def _least(shape: ConvGeometry, element: int, target: Target) -> int:
    """Channels that are computed together at least: of a depth-wise Conv two kernel groups."""
    pair = 2 * kernel_group(element, target)
    return min(shape.channels, pair if is_depthwise(shape) else target.atom_bytes // element)
