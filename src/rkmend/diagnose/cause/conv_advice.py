"""What people say when a Conv does not convert."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from rkmend.diagnose.cause import conv_splits
from rkmend.diagnose.cause.conv_rewrite import Rewrite, conv_node, rewritten, single_conv
from rkmend.diagnose.cause.conv_sizes import other_sizes
from rkmend.diagnose.cause.family import CannotBuild
from rkmend.diagnose.cause.piece import Advice
from rkmend.rules.base import Exactness
from rkmend.rules.conv.conv_node import ConvNode
from rkmend.rules.replacement import Replacement
from rkmend.tiling.conv import ConvGeometry, resolve_auto_pad

if TYPE_CHECKING:
    import onnx_ir as ir

SIDES = ("top", "bottom", "left", "right")
NO_PADS = dict.fromkeys((f"pad_{side}" for side in SIDES), 0)


def conv_advice(model: ir.Model) -> Iterator[Advice]:
    """The advice for a single 2-D Conv; none for any other model. See `advice`."""
    conv = single_conv(model)
    if conv is None:
        return
    resizings = ((change, Exactness.CHANGES_MODEL, rewrite) for change, rewrite in other_sizes(conv.geometry))
    for change, exactness, rewrite in (*_padding(conv), *resizings, *_arrangement()):
        yield Advice(change, exactness, partial(rewritten, model, rewrite))


_Piece = tuple[str, Exactness, Rewrite]


def _padding(conv: ConvNode) -> Iterator[_Piece]:
    shape = conv.geometry
    given = conv.node.attributes.get_string("auto_pad", "NOTSET")
    for auto_pad in ("SAME_UPPER", "VALID"):
        rows, cols = resolve_auto_pad(auto_pad, shape.rows), resolve_auto_pad(auto_pad, shape.cols)
        padded = replace(
            shape,
            pad_top=rows.pad_begin,
            pad_left=cols.pad_begin,
            pad_bottom=rows.pad_end,
            pad_right=cols.pad_end,
        )
        why_not = f"auto_pad is {auto_pad} already" if given == auto_pad else ""
        change = f"auto_pad {auto_pad} instead of explicit padding"
        yield change, _exactness(shape, padded), partial(_padded, padded, why_not, auto_pad=auto_pad)
    bare = replace(shape, **NO_PADS)
    why_not = "there is no padding" if bare == shape else ""
    yield "padding to 0 on every side", _exactness(shape, bare), partial(_padded, bare, why_not)
    for side in SIDES:
        padded = replace(shape, **{f"pad_{side}": 0})
        why_not = f"there is no padding at the {side}" if padded == shape else ""
        change = f"padding to 0 at the {side} alone"
        yield change, _exactness(shape, padded), partial(_padded, padded, why_not)
    yield "an explicit Pad node, then the Conv without padding", Exactness.EXACT, _explicit_pad


def _arrangement() -> Iterator[_Piece]:
    yield "split along H into two Convs, joined", Exactness.EXACT, conv_splits.along_height
    yield "split along W into two Convs, joined", Exactness.EXACT, conv_splits.along_width
    yield "split along the output channels into two Convs, joined", Exactness.EXACT, conv_splits.along_outputs
    yield "split along the input channels into two Convs, added", Exactness.ROUNDING, conv_splits.along_inputs
    changes = Exactness.CHANGES_MODEL
    yield "MaxPool 2x2 of stride 2 before it", changes, _after_pooling
    yield "a depth-wise 3x3 Conv of stride 2 before it", changes, _after_strided_conv
    yield "a group Conv of two groups instead", changes, _in_two_groups


def _exactness(before: ConvGeometry, after: ConvGeometry) -> Exactness:
    """Of another padding: it is the same Conv when nothing moves and no output is lost or gained."""
    pairs = ((before.rows, after.rows), (before.cols, after.cols))
    same = all(old.pad_begin == new.pad_begin and old.outputs == new.outputs for old, new in pairs)
    return Exactness.EXACT if same else Exactness.CHANGES_MODEL


def _padded(
    padded: ConvGeometry, why_not: str, conv: ConvNode, new: Replacement, **padding: object
) -> ir.Value:
    if why_not:
        raise CannotBuild(why_not)
    return conv_node(new, "conv", conv.data, conv.weight, conv.bias, padded, **padding)


def _explicit_pad(conv: ConvNode, new: Replacement) -> ir.Value:
    import numpy as np

    shape = conv.geometry
    bare = replace(shape, **NO_PADS)
    if bare == shape:
        raise CannotBuild("there is no padding")
    pads = [0, 0, shape.pad_top, shape.pad_left, 0, 0, shape.pad_bottom, shape.pad_right]
    if new.opset < 11:
        data = new.node("pad", "Pad", [conv.data], {"pads": pads})
    else:
        data = new.node("pad", "Pad", [conv.data, new.constant("pads", np.array(pads, np.int64))], {})
    return conv_node(new, "conv", data, conv.weight, conv.bias, bare)


def _after_pooling(conv: ConvNode, new: Replacement) -> ir.Value:
    shape = conv.geometry
    if min(shape.height, shape.width) < 2:
        raise CannotBuild("the input is smaller than 2x2")
    pooled = new.node("pool", "MaxPool", [conv.data], {"kernel_shape": [2, 2], "strides": [2, 2]})
    smaller = replace(shape, height=shape.height // 2, width=shape.width // 2)
    return conv_node(new, "conv", pooled, conv.weight, conv.bias, smaller)


def _after_strided_conv(conv: ConvNode, new: Replacement) -> ir.Value:
    """The depth-wise Conv takes means over 3x3."""
    import numpy as np

    shape = conv.geometry
    means = ConvGeometry(
        shape.batch, shape.channels, shape.height, shape.width, shape.channels, 3, 3, 2, 2, 1, 1, 1, 1,
        groups=shape.channels,
    )  # fmt: skip
    weight = new.constant("mean", np.full((shape.channels, 1, 3, 3), 1 / 9, conv.weight_array.dtype))
    halved = conv_node(new, "halved", conv.data, weight, None, means)
    smaller = replace(shape, height=means.rows.outputs, width=means.cols.outputs)
    return conv_node(new, "conv", halved, conv.weight, conv.bias, smaller)


def _in_two_groups(conv: ConvNode, new: Replacement) -> ir.Value:
    """Each half of the output keeps the weights for the first half of the input."""
    shape = conv.geometry
    if shape.groups > 1:
        raise CannotBuild(f"it has {shape.groups} groups already")
    if shape.channels % 2 or shape.out_channels % 2:
        raise CannotBuild("the channels are not even")
    weight = new.constant("weight", conv.weight_array[:, : shape.channels // 2])
    return conv_node(new, "conv", conv.data, weight, conv.bias, replace(shape, groups=2))
