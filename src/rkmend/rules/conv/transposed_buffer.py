"""RKM122: a ConvTranspose whose window does not fit into the on-chip buffer beside its weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rkmend.rules.base import Fact, Level
from rkmend.rules.conv.limits import LONGEST_PART
from rkmend.rules.conv.phase_rule import PhaseRule
from rkmend.rules.conv.transposed import TransposedConv
from rkmend.rules.operands import is_constant
from rkmend.targets import Target
from rkmend.tiling.bands import PART, buffer_of, kernel_group, row_entries
from rkmend.tiling.storage import rounded, widest_element
from rkmend.tiling.tiles import channels_beside_features

if TYPE_CHECKING:
    import onnx_ir as ir

WHOLE = ("rk3588", "rk3566", "rk3568", "rk3562")
"""Targets that compute all channels of a depth-wise one at once where its weights take over half of the buffer."""
MOST_BYTES = {"rk3576": (1 << 19) - 1}
"""Of the weights of a depth-wise one, where they are counted in a register."""
DENSE = ("rk3588",)
"""Targets that cut the channels of any other so that the weights of a kernel group leave a single bank."""
CRAMPED = (10.5, 11.0)
"""Banks of weights between which too little is left: 10.16 to 10.5 and exactly 11 convert, 10.55 to 10.97 do not."""
HALF = {"rk3562": 2}
"""Bytes of an element of those depth-wise ones with kernels over 16, in any dtype."""


class TransposedBuffer(PhaseRule):
    """A ConvTranspose whose window does not fit into the on-chip buffer beside its weights.

    ## What happens

    The build takes all the memory there is, or the compiler ends its process:

        E RKNN: banks num invalid, input_bank_num: 0, weight_bank_num: 13

    On rk3576 a number does not fit into its register (offset 0x1020).

    ## Why

    Depth-wise: beside weights of more than half of the buffer the compiler does not compute the channels in parts, and
    a window of all of them over the whole width has to fit. On rk3576 their bytes are counted in 19 bits.

    Otherwise, on rk3588: of more outputs than a kernel group, the channels are cut so that the weights of a group take
    11 of 12 banks at most. Where they take more than ten and a half, and not exactly 11, what is left takes no window
    and a half of the whole width, and the compiler cuts no columns then. These bounds are what trials say; the cause is
    not known.

    ## Example

    Depth-wise `ConvTranspose` 12x12 of 905 channels; 10x10 from 320 to 24 channels on 16x16, without strides.

    ## What rkmend does

    * `phases`: computes the outputs that lie one stride apart by the taps that reach them, all phases in one Conv, and
      interleaves them by Concats. Of stride 1 it is the Conv with the kernel turned round, which the toolkit cuts
      otherwise.
    * `phases-by-transpose`: interleaves them by a Transpose, where the Concats overflow a register.

    ## Exactness and its limits

    `rounding`: the same products, in another order. Weights have to be constant.

    ## Evidence

    Toolkit 2.3.2, fp16, own trials. Depth-wise, rk3588: 512 channels 14x14 (7 banks of weights) convert up to 11
    columns, 256 of 20x20 up to 16, 905 of 12x12 up to 4, which is where the window fits; 13x13 of 512 channels (6
    banks) converts at any width. With 905 channels of 15x15 the compiler ends. On rk3566 and rk3562, of 8 banks, all
    with more than 4 on 40 columns fail (15 of 15 each) and all others convert; on rk3562 in int8 of kernels over 16 as
    many as in fp16 (6 of 296 and 390 channels die, 20 others of 80 to 390 convert). On rk3576 495,616 bytes convert,
    527,136 overflow.

    Otherwise, rk3588: of 64 channels 13x13 convert up to 12 columns, 48 of 15x15 up to 14, 112 of 10x10 up to 9, and
    224 of 7x7 up to 6, whatever the height, the padding and the number of outputs over 16. By the size of the weights
    19 of 19 other kernels, from 2x2 to 23x2 and 31x1, did as said here. With 16 outputs, or strides
    along the width, all convert, as they do on rk3576, rk3566 and rk3562. All 5 mended ones that were tried on rk3588
    convert rightly.
    """

    code = "RKM122"
    name = "transposed-window-beyond-buffer"
    level = Level.ERROR

    def holds(self, node: ir.Node, target: Target) -> Mapping[str, Fact] | None:
        """Two spatial axes, not stuffed, and more weights than leave room for a window."""
        conv = TransposedConv.read(node)
        if conv is None or len(conv.axes) != 2 or conv.is_stuffed(target) or not is_constant(node.inputs[1]):
            return None
        if conv.groups == conv.shape[1] == conv.out_channels and conv.groups > 1:
            fails = _depthwise(conv, target)
        else:
            fails = conv.groups == 1 and _dense(conv, target)
        kernel = "x".join(str(axis.kernel) for axis in conv.axes)
        return {"channels": conv.shape[1], "kernel": kernel, "width": conv.axes[1].size} if fails else None


def _depthwise(conv: TransposedConv, target: Target) -> bool:
    element, rows = widest_element(target), conv.axes[0]
    if max(axis.kernel for axis in conv.axes) > LONGEST_PART:
        element = HALF.get(target.name, element)
    size = _taps(conv) * rounded(conv.shape[1] * element, target.atom_bytes)
    if target.name in MOST_BYTES:
        return size > MOST_BYTES[target.name]
    if target.name not in WHOLE:
        return False
    cbuf = buffer_of(target)
    weights = -(-size // cbuf.bank_bytes)
    window = (rows.extent - 1) // rows.stride + 1
    entries = window * row_entries(conv.axes[1].size, conv.shape[1], element, target)
    return weights > cbuf.banks // 2 and entries > (cbuf.banks - weights) * cbuf.entries_per_bank


def _dense(conv: TransposedConv, target: Target) -> bool:
    rows, cols = conv.axes
    if target.name not in DENSE or cols.stride > 1 or max(rows.dilation, cols.dilation) > 1:
        return False
    cbuf, element = buffer_of(target), widest_element(target)
    group = kernel_group(element, target)
    part = _part(conv.shape[1], channels_beside_features(_taps(conv), element, target))
    stored = rounded(part * element, target.atom_bytes) // element
    cramped = CRAMPED[0] < stored * group * _taps(conv) * element / cbuf.bank_bytes < CRAMPED[1]
    if conv.out_channels <= group or not cramped:
        return False
    needed = -(-3 * rows.kernel // 2) * row_entries(cols.size, stored, element, target)
    return needed > cbuf.entries_per_bank


def _part(channels: int, most: int) -> int:
    """Channels of the largest part: as few parts as may be, equal ones where that makes multiples of 16."""
    if channels <= most:
        return channels
    most = most or PART
    count = -(-channels // most)
    return channels // count if channels % (count * PART) == 0 else most


def _taps(conv: TransposedConv) -> int:
    return conv.axes[0].kernel * conv.axes[1].kernel
