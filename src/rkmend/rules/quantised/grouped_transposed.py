"""RKM309: a ConvTranspose in groups, in an int8 build."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from rkmend.rules.base import FAILED, CannotApply, Exactness, Fact, Finding, Level, Mend
from rkmend.rules.conv.transposed import TransposedConv, spread_attributes
from rkmend.rules.forms import joined, split
from rkmend.rules.node_rule import NodeRule
from rkmend.rules.operands import numbers_of, operand
from rkmend.rules.replacement import Replacement
from rkmend.targets import Target
from rkmend.toolkit.verdict import Verdict

if TYPE_CHECKING:
    import onnx_ir as ir

MOST_WEIGHTS = 1 << 22
"""Of a kernel without groups; most are zeros, which take space in the .rknn all the same."""
FEWER, MORE = ("rk3588", "rk3576", "rk3562"), ("rk3576", "rk3562")
"""Targets on which the build fails, of fewer outputs than inputs and of more."""
MOST_GROUPS = 64
"""That are computed one by one."""


class GroupedTransposed(NodeRule):
    """A ConvTranspose in groups, not depth-wise, in an int8 build.

    ## What happens

    The file is exported, and the simulator ends its process with status 1:

        scale_inf.shape error!

    Where it has fewer outputs than inputs, or on some targets more, the build aborts or registers overflow in it, so
    that the layer fails on the board or computes something else:

        E RKNN: REGTASK: The bit width of field value exceeds the limit, target: v2, offset: 0x301c, shift = 0

    ## Why

    Weights are quantised with a scale for each output. The kernel of a ConvTranspose has the inputs first and the
    outputs of one group second, so the scales come out as many as one of these, not as many as there are outputs.
    Without groups, and depth-wise, they are right.

    ## Example

    `ConvTranspose` 1x5 from 16 to 16 channels in 2 groups.

    ## What rkmend does

    * `dense-kernel`: one kernel over all channels, zero between the groups. Its scales are the same, since each output
      has the weights that it had.
    * `one-by-one`: Split, a ConvTranspose for each group, Concat. Cheaper where the groups are wide.

    The build option `quantized_method="layer"` helps as well, but quantises every weight of the network more coarsely.

    ## Exactness and its limits

    `dense-kernel` is `rounding`: products with zero are added. `one-by-one` is `exact`. Weights have to be constant.

    ## Evidence

    Toolkit 2.3.2, own trials: 2 to 32 groups, up to 256 channels, kernels of 1x5 and 3x3, strides of 1 and 2, with and
    without bias, one spatial axis and two: none of 19 was simulated rightly on rk3588, nor on rk3576; depth-wise ones
    were. Strides of 3, which the toolkit spreads on the CPU, convert on rk3588 (3 of 3) and fail on rk3576. With fewer
    outputs than inputs 6 of 6 failed in the build on rk3588, rk3576 and rk3562, 5 of 6 on rk3566; with more, 5 of 5 on
    rk3576 and rk3562, one on rk3566 and none on rk3588. Both mends were right with 15 of 15 on rk3588, rk3576 and
    rk3566 (cosines of 0.9998 and more); of 256 channels in 4 groups `one-by-one` takes a quarter of the cycles, of 32
    in 32 sixteen times as many. What the board makes of a file that only the simulator refuses is not known; that is a
    warning.
    """

    code = "RKM309"
    name = "grouped-transposed"
    level = Level.WARNING
    operators = frozenset({"ConvTranspose"})

    def holds(self, node: ir.Node, target: Target) -> Mapping[str, Fact] | None:
        """More than one group, more than one channel in or out of a group, and int8."""
        conv = TransposedConv.read(node)
        if conv is None or conv.groups == 1 or not target.only_int8:
            return None
        if conv.groups == conv.shape[1] == conv.out_channels:
            return None
        return {
            "groups": conv.groups,
            "channels": conv.shape[1],
            "out_channels": conv.out_channels,
            "overflows": _overflows(conv, target),
        }

    def message(self, node: ir.Node, facts: Mapping[str, Fact]) -> str:
        """Groups and channels."""
        return (
            f"ConvTranspose '{node.name}' from {facts['channels']} to {facts['out_channels']} channels has "
            f"{facts['groups']} groups, whose weights int8 builds scale wrongly."
        )

    def level_of(self, finding: Finding, target: Target) -> Level:
        """An error where the build fails, or registers overflow in it."""
        return Level.ERROR if finding.facts["overflows"] else self.level

    def recognises(self, verdict: Verdict) -> bool:
        """The simulator counts the scales, or registers overflow before it does."""
        return verdict.outcome in FAILED

    def mends(self, model: ir.Model, target: Target, finding: Finding) -> Sequence[Mend]:
        """One kernel for all, and one for each group; which is cheaper, the cycles say."""
        return [_mend(finding, build) for build in (dense_kernel, one_by_one)]


def _overflows(conv: TransposedConv, target: Target) -> bool:
    """Whether every such layer failed in the build already."""
    inputs, outputs = conv.shape[1], conv.out_channels
    return (outputs < inputs and target.name in FEWER) or (outputs > inputs and target.name in MORE)


def dense_kernel(conv: TransposedConv, new: Replacement) -> ir.Value:
    """One ConvTranspose over all channels, with zeros between the groups."""
    import numpy as np

    weight = numbers_of(conv.node.inputs[1], "the weights are")
    if weight.size * conv.groups > MOST_WEIGHTS:
        raise CannotApply(f"a kernel over all channels has {weight.size * conv.groups} weights")
    inputs, outputs = weight.shape[0] // conv.groups, weight.shape[1]
    dense = np.zeros([weight.shape[0], conv.out_channels, *weight.shape[2:]], weight.dtype)
    for group in range(conv.groups):
        of_group = slice(group * inputs, (group + 1) * inputs)
        dense[of_group, group * outputs : (group + 1) * outputs] = weight[of_group]
    operands = [conv.node.inputs[0], new.constant("weight", dense), *conv.node.inputs[2:]]
    return new.node("conv", "ConvTranspose", operands, spread_attributes(conv.axes, 1))


def one_by_one(conv: TransposedConv, new: Replacement) -> ir.Value:
    """Split, a ConvTranspose for each group, Concat."""
    import numpy as np

    if conv.groups > MOST_GROUPS:
        raise CannotApply(f"{conv.groups} groups are more than {MOST_GROUPS}")
    data, bias = conv.node.inputs[0], operand(conv.node, 2)
    assert data is not None
    constants = [numbers_of(conv.node.inputs[1], "the weights are")]
    constants += [] if bias is None else [numbers_of(bias, "the bias is")]
    pieces = split(new, "split", data, 1, [conv.shape[1] // conv.groups] * conv.groups)
    parts = []
    for piece, *arrays in zip(pieces, *(np.split(array, conv.groups) for array in constants), strict=True):
        operands = [piece, *(new.constant("weight", array.copy()) for array in arrays)]
        parts.append(new.node("group", "ConvTranspose", operands, spread_attributes(conv.axes, 1)))
    return joined(new, "joined", parts, 1)


_Build = Callable[[TransposedConv, Replacement], "ir.Value"]
_MENDS: dict[_Build, tuple[Exactness, str]] = {
    dense_kernel: (
        Exactness.ROUNDING,
        "Computes all groups by one kernel over all channels, with zeros between the groups.",
    ),
    one_by_one: (Exactness.EXACT, "Computes each group by a ConvTranspose of its own and joins the results."),
}


def _mend(finding: Finding, build: _Build) -> Mend:
    """A Mend that puts what `build` makes in the place of the ConvTranspose; it bears the name of `build`."""
    name = build.__name__.replace("_", "-")
    exactness, summary = _MENDS[build]

    def rewrite(model: ir.Model) -> None:
        conv = TransposedConv.read(finding.node_in(model))
        assert conv is not None
        new = Replacement(conv.node, code=GroupedTransposed.code, mend=name)
        new.finish(build(conv, new))

    return Mend(name=name, summary=summary, exactness=exactness, rewrite=rewrite)
