"""RKM102: an operator over three spatial axes that the toolkit does not lower rightly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rkmend.graph.values import static_shape
from rkmend.rules.base import Exactness, Fact, Level
from rkmend.rules.conv.depth_in_channels import conv_on_planes
from rkmend.rules.conv.pooling import counts_padding, demand_no_indices, pooled, reaches_uncounted
from rkmend.rules.conv.sliding import Sliding, windows
from rkmend.rules.conv.transposed import chosen_by_output
from rkmend.rules.forms import reshaped
from rkmend.rules.operands import is_constant
from rkmend.rules.operator import OperatorRule
from rkmend.rules.replacement import Replacement
from rkmend.targets import Target

if TYPE_CHECKING:
    import onnx_ir as ir


class ThreeSpatialAxes(OperatorRule):
    """A Conv, ConvTranspose, MaxPool or AveragePool over depth, height and width.

    ## What happens

    The compiler ends its process:

        terminate called after throwing an instance of 'std::out_of_range'
          what():  vector::_M_range_check: __n (which is 2) >= this->size() (which is 3)

    A Conv that is dilated along the depth, one that makes several channels of each, or an AveragePool whose padding
    does not count, converts and computes something else (cosine 0.3 to 0.9).

    ## Why

    The NPU has two spatial axes. The toolkit rewrites common 3-D operators for them, but not MaxPool, not groups
    (other than one for each channel, with one output), not all of ConvTranspose, and it forgets the dilation of the
    depth.

    ## Example

    `MaxPool` 2x2x2 on 1x8x4x16x16; `Conv` 3x3x3 with 2 groups.

    ## What rkmend does

    * `two-axes`: joins depth and channels to one axis, which moves no element. A Conv becomes a 2-D Conv whose weights
      are those of the taps of the depth, and zero elsewhere; a ConvTranspose likewise. A pooling becomes two: over
      height and width, then over the depth.

    ## Exactness and its limits

    MaxPool: bit for bit. The others: equal in real arithmetic. The zero weights multiply input, so an infinite or NaN
    input would spread over the depth, and the Conv does as many times more work as the depth is larger than the
    kernel. Weights have to be constant. Indices of a MaxPool are refused.

    ## Evidence

    Toolkit 2.3.2 (and 2.5.0 on one of each), rk3588, fp16: all 3-D MaxPools tried (11) abort. Conv and ConvTranspose
    with 2 groups abort, with dilation along the depth they are wrong, and so is a Conv with two outputs for each of its
    groups of one channel (5 of 5); a ConvTranspose with `output_padding` is rejected; without these they convert
    rightly. AveragePool with dilations is rejected, with padding that does not
    count it is wrong.
    """

    code = "RKM102"
    name = "three-spatial-axes"
    level = Level.ERROR
    operators = frozenset({"Conv", "ConvTranspose", "MaxPool", "AveragePool"})
    mend = "two-axes"
    summary = "Joins depth and channels, and computes along height and width."
    exactness = Exactness.ROUNDING

    def holds(self, node: ir.Node, target: Target) -> Mapping[str, Fact] | None:
        """Five axes, and a form that the toolkit does not lower rightly."""
        shape, result = static_shape(node.inputs[0]), static_shape(node.outputs[0])
        if shape is None or result is None or len(shape) != 5 or not _affected(node, shape[1]):
            return None
        return {"channels": shape[1], "depth": shape[2], "height": shape[3], "width": shape[4]}

    def rewrite(self, node: ir.Node, new: Replacement) -> Sequence[ir.Value | None]:
        """Two 2-D poolings, or a 2-D convolution, between Reshapes."""
        if node.op_type in ("Conv", "ConvTranspose"):
            return [conv_on_planes(node, new)]
        return [_pool(node, new), *[None] * (len(node.outputs) - 1)]


def _affected(node: ir.Node, channels: int) -> bool:
    dilations = windows(node, 3)[1]
    group = node.attributes.get_int("group", 1)
    match node.op_type:
        case "Conv":
            weights = static_shape(node.inputs[1])
            grouped = group > 1 and weights is not None and (group, weights[0]) != (channels, channels)
            return is_constant(node.inputs[1]) and (dilations[0] > 1 or grouped)
        case "ConvTranspose":
            spread = dilations[0] > 1 or group > 1 or any(node.attributes.get_ints("output_padding", ()))
            return is_constant(node.inputs[1]) and (spread or chosen_by_output(node))
        case "AveragePool":
            pool = Sliding.read(node)
            padded = pool is not None and any(axis.pad_begin or axis.pad_end for axis in pool.axes)
            beyond = pool is not None and reaches_uncounted(pool)
            return (
                any(dilation > 1 for dilation in dilations) or beyond or (padded and not counts_padding(node))
            )
    return True


def _pool(node: ir.Node, new: Replacement) -> ir.Value:
    """Over height and width, then over the depth: the extreme, or the mean of equally many, of the parts."""
    pool = Sliding.read(node)
    assert pool is not None
    demand_no_indices(node)
    batch, channels, depth, height, width = pool.shape
    _, rows, cols = pool.outputs
    data = node.inputs[0]
    assert data is not None
    value = reshaped(new, "planes", data, [batch, channels * depth, height, width])
    value = pooled(new, "plane_pool", node, value, pool, (1, 2))
    value = reshaped(new, "columns", value, [batch, channels, depth, rows * cols])
    value = pooled(new, "depth_pool", node, value, pool, (0, -1))
    return reshaped(new, "result", value, [batch, channels, *pool.outputs])
