"""RKM105: a Conv with a stride that does not fit into the NPU's register."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rkmend.rules.base import CannotApply, Exactness, Fact, Level
from rkmend.rules.conv.limits import MAX_DILATION, MAX_SIZE, MAX_STRIDE, is_stride_too_long
from rkmend.rules.conv.sliding import Sliding, window_attributes
from rkmend.rules.forms import cut, padded, reshaped
from rkmend.rules.operands import is_constant, numbers_of
from rkmend.rules.operator import OperatorRule
from rkmend.rules.replacement import Replacement
from rkmend.targets import Target
from rkmend.tiling.conv import Axis

if TYPE_CHECKING:
    import onnx_ir as ir

    from rkmend.rules.operands import Array


class LongStride(OperatorRule):
    """A Conv whose stride the toolkit cannot bring down to 7.

    ## What happens

    The build says it succeeded, but the compiler has written a number into a register that is too narrow for it, so the
    layer fails on the board or computes something else:

        E RKNN: REGTASK: The bit width of field value exceeds the limit, target: v2, offset: 0x1014, shift = 0,
        limit: 0x7, value: 0x32

    ## Why

    Strides have 3 bits. The toolkit takes factors of 2 out of a longer stride, and what is left may be more than 7. On
    an axis of more than 8192 elements its own rewrite makes another axis that is too long (register 0x5048).

    ## Example

    `Conv` 1-D, kernel 100, stride 50, on 1x1x16000: the first layer of a network that takes raw sound.

    ## What rkmend does

    * `space-to-depth`: puts the elements of one stride side by side as channels. The kernel then has ceil(kernel /
      stride) taps and moves by one.

    ## Exactness and its limits

    `rounding`: the same products, summed in another order, and some zero weights where the kernel is no multiple of the
    stride. Weights have to be constant.

    ## Evidence

    Toolkit 2.3.2 (2.5.0 alike at 9, 18 and 50), rk3588, fp16: strides 9, 13, 18, 25 and 50 overflow; 8, 10, 12, 14,
    16, 20, 24 and 32 convert rightly, and so do the mended ones. Of 55 Convs with strides of 9 and 11 on maps of 1x1 to
    20x20, fp16 and int8, all but the 14 with a single window that sees the whole map overflow. A window that sees
    the whole axis suffices: strides of 1x9 on two columns, or of 9x1 on two rows, convert with a kernel 2x2. Dilated by
    up to 31 along that axis it does not (52 of 52 overflow, rk3576 alike).
    """

    code = "RKM105"
    name = "stride-too-long"
    level = Level.ERROR
    operators = frozenset({"Conv"})
    mend = "space-to-depth"
    summary = "Puts the elements of one stride side by side as channels."
    exactness = Exactness.ROUNDING

    def holds(self, node: ir.Node, target: Target) -> Mapping[str, Fact] | None:
        """Where a stride without its factors of 2 is over 7, or over 7 on an axis over 8192."""
        if max(node.attributes.get_ints("strides", ()) or (1,)) <= MAX_STRIDE:
            return None
        conv = Sliding.read(node)
        if conv is None or not is_constant(node.inputs[1]):
            return None
        long = [axis for axis in conv.axes if _too_long(axis) and not _is_spared(axis)]
        return {"stride": long[0].stride, "kernel": long[0].kernel, "size": long[0].size} if long else None

    def rewrite(self, node: ir.Node, new: Replacement) -> Sequence[ir.Value | None]:
        """Slice or Pad to whole strides, Reshape, Transpose, Reshape, and a Conv of stride 1 on that axis."""
        import numpy as np

        conv = Sliding.read(node)
        assert conv is not None
        data = node.inputs[0]
        assert data is not None
        weight, axes, shape = numbers_of(node.inputs[1], "the weights are"), list(conv.axes), list(conv.shape)
        for number, axis in enumerate(conv.axes):
            if _too_long(axis):
                shift, axes[number] = _blocks(axis)
                weight = _blocked_weight(weight, number, axis, shift, axes[number].kernel)
                data = _blocked_data(new, data, shape, number, axis.stride, axes[number].size)
        inputs = [data, new.constant("weight", np.ascontiguousarray(weight)), *node.inputs[2:]]
        attributes = window_attributes(tuple(axes), group=node.attributes.get_int("group", 1))
        return [new.node("conv", "Conv", inputs, attributes)]


def _too_long(axis: Axis) -> bool:
    return is_stride_too_long(axis.stride) or (axis.stride > MAX_STRIDE and axis.size > MAX_SIZE)


def _is_spared(axis: Axis) -> bool:
    """Whether the toolkit drops its stride: for a single window, of taps that stand side by side or are put there."""
    return axis.seen_at_once and (axis.kernel == 1 or not 1 < axis.dilation <= MAX_DILATION)


def _blocks(axis: Axis) -> tuple[int, Axis]:
    """How far into its first block a window begins, and the axis of blocks of one stride each."""
    begin = -(-axis.pad_begin // axis.stride)
    shift = begin * axis.stride - axis.pad_begin
    kernel = -(-(shift + axis.extent) // axis.stride)
    needed = axis.outputs - 1 + kernel - begin
    if needed < 1:
        raise CannotApply("no window sees anything but padding")
    size = min(needed, -(-axis.size // axis.stride))
    return shift, Axis(size, kernel, pad_begin=begin, pad_end=needed - size)


def _blocked_weight(weight: Array, number: int, axis: Axis, shift: int, kernel: int) -> Array:
    """The kernel on the dense grid, cut into blocks; the place within a block is a channel."""
    import numpy as np

    place = 2 + number
    shape = list(weight.shape)
    shape[place] = kernel * axis.stride
    dense = np.zeros(shape, weight.dtype)
    taps = [slice(None)] * place + [slice(shift, shift + axis.extent, axis.dilation)]
    dense[tuple(taps)] = weight
    blocked = dense.reshape([*shape[:place], kernel, axis.stride, *shape[place + 1 :]])
    blocked = np.moveaxis(blocked, place + 1, 2)
    return blocked.reshape([shape[0], shape[1] * axis.stride, *shape[2:place], kernel, *shape[place + 1 :]])


def _blocked_data(
    new: Replacement, data: ir.Value, shape: list[int], number: int, stride: int, blocks: int
) -> ir.Value:
    """Moves the places within the blocks to the channels; `shape` follows."""
    import numpy as np

    place, whole = 2 + number, blocks * stride
    if whole < shape[place]:
        data = cut(new, "whole", data, place, 0, whole)
    pads = [0] * 2 * len(shape)
    pads[len(shape) + place] = max(0, whole - shape[place])
    data = padded(new, "whole", data, pads)
    before, after = int(np.prod(shape[2:place])), int(np.prod(shape[place + 1 :]))
    data = reshaped(new, "blocks", data, [shape[0] * shape[1], before * blocks, stride, after])
    data = new.node("swap", "Transpose", [data], {"perm": [0, 2, 1, 3]})
    shape[1], shape[place] = shape[1] * stride, blocks
    return reshaped(new, "channels", data, shape)
