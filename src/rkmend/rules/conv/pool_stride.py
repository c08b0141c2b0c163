"""RKM113: a pooling with a stride that does not fit into the NPU's register."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from rkmend.rules.base import Exactness, Fact, Level
from rkmend.rules.conv.limits import is_stride_too_long
from rkmend.rules.conv.pool_as_done import kept_stride
from rkmend.rules.conv.pooling import counts_padding, demand_no_indices, pool_attributes, reaches_uncounted
from rkmend.rules.conv.sliding import Sliding
from rkmend.rules.forms import cut
from rkmend.rules.operator import OperatorRule
from rkmend.rules.replacement import Replacement
from rkmend.targets import Target
from rkmend.tiling.conv import Axis

if TYPE_CHECKING:
    import onnx_ir as ir


class PoolStride(OperatorRule):
    """A pooling whose stride the toolkit cannot bring down to 7.

    ## What happens

    The build says it succeeded, but the compiler has written a number into a register that is too narrow for it, so the
    layer fails on the board or computes something else:

        E RKNN: REGTASK: The bit width of field value exceeds the limit, target: v2, offset: 0x1014, shift = 3,
        limit: 0x7, value: 0x9

    ## Why

    The toolkit makes an AveragePool a Conv, whose stride has 3 bits; it takes factors of 2 out of a longer one, and
    what is left may be over 7. A MaxPool keeps part of its stride: the kernel size if that divides it, else, of an even
    one, its largest divisor up to the kernel size. A Conv takes every n-th element of that. With `ceil_mode` it keeps
    none, or the wrong one.

    ## Example

    `MaxPool` 2x2 with strides 9 and 1.

    ## What rkmend does

    * `every-nth`: pools with stride 1 along such an axis and takes every n-th row or column by a Slice.

    ## Exactness and its limits

    `rounding`: the same windows. The largest elements are the same; means may be summed in another order. Indices of
    the largest elements are refused.

    ## Evidence

    Own trials of random layers with toolkit 2.3.2: strides 9 and 11 overflow on rk3588, rk3576, rk3566 and rk3562; 8,
    10, 12 and 14 convert. MaxPools with kernels 1 to 7 and strides 9 to 15 along one axis or both, fp16 and int8,
    rk3588: all but 2 of 168 as said here; these two, of kernel 1, are gathered. An AveragePool that does not count its
    padding goes to the CPU, where any stride is right. A single output helps a MaxPool only if the padding
    leaves no room for another with stride 1: 22 MaxPools with a stride of 9 on maps of 1 to 5.
    """

    code = "RKM113"
    name = "pool-stride-too-long"
    level = Level.ERROR
    operators = frozenset({"MaxPool", "AveragePool"})
    mend = "every-nth"
    summary = "Pools with stride 1 and takes every n-th row or column."
    exactness = Exactness.ROUNDING

    def holds(self, node: ir.Node, target: Target) -> Mapping[str, Fact] | None:
        """Where a stride is too long for a Conv, and the NPU is to do it."""
        pool = Sliding.read(node)
        if pool is None or len(pool.axes) > 2 or not _on_npu(node, pool):
            return None
        long = [axis for axis in pool.axes if _is_long(node, axis)]
        return {"stride": long[0].stride, "kernel": long[0].kernel, "size": long[0].size} if long else None

    def rewrite(self, node: ir.Node, new: Replacement) -> Sequence[ir.Value | None]:
        """The pooling, and a Slice for each long stride."""
        pool = Sliding.read(node)
        assert pool is not None
        demand_no_indices(node)
        axes = pool.reaching()
        long = [_is_long(node, axis) for axis in pool.axes]
        dense = tuple(replace(axis, stride=1) if far else axis for axis, far in zip(axes, long, strict=True))
        attributes = pool_attributes(dense)
        if node.op_type == "AveragePool" and any(attributes["pads"]):
            attributes["count_include_pad"] = 1
        value = new.node("pool", node.op_type, [node.inputs[0]], attributes)
        for number, axis in enumerate(axes):
            if long[number]:
                end = (axis.outputs - 1) * axis.stride + 1
                value = cut(new, f"nth{number}", value, 2 + number, 0, end, axis.stride)
        return [value, *[None] * (len(node.outputs) - 1)]


def _on_npu(node: ir.Node, pool: Sliding) -> bool:
    if node.op_type == "MaxPool":
        return all(axis.dilation == 1 for axis in pool.axes)
    padded = any(axis.pad_begin or axis.pad_end for axis in pool.axes)
    return not reaches_uncounted(pool) and (counts_padding(node) or not padded)


def _is_long(node: ir.Node, axis: Axis) -> bool:
    floors = node.op_type == "MaxPool" and not node.attributes.get_int("ceil_mode", 0)
    kept = kept_stride(axis) if floors else 1
    return not _is_dense_single(node, axis) and is_stride_too_long(axis.stride // kept)


def _is_dense_single(node: ir.Node, axis: Axis) -> bool:
    """Whether its one output sees all of the axis, and for a MaxPool all of the padding, too."""
    end = axis.pad_end if node.op_type == "MaxPool" else 0
    return axis.outputs == 1 and axis.pad_begin + axis.size + end <= axis.extent
