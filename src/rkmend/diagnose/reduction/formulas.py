"""Formulas: which axes of an operator's inputs and outputs are the same axis, in the manner of Einsum.

`n c ..., c -> n c ...` names the axes of the inputs and of the outputs; axes of one name change together.
`4h` is four times the size h. `...` are the axes that are left, aligned on the right as in broadcasting. A value
of lower rank than its part has the last axes of it. After `;` stand attributes: `; group g; kernel_shape k0 k1`.
From the ONNX operator specification and the operator documentation of ONNX Runtime.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rkmend.graph.values import content_of, static_shape

if TYPE_CHECKING:
    import onnx_ir as ir

_CONVS: dict[str, tuple[int, ...]] = {
    "Conv": (0, 1, 2),
    "FusedConv": (0, 1, 2),
    "ConvTranspose": (0, 1, 2),
    "ConvInteger": (0, 1),
    "QLinearConv": (0, 3, 8),
}
"""Which inputs are data, weights and bias."""
_GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}
_FIXED = {
    "BatchNormalization": "n c ..., c, c, c, c -> n c ...",
    "InstanceNormalization": "n c ..., c, c -> n c ...",
    "GroupNormalization": "n c ..., c, c -> n c ...",
}


def formula(node: ir.Node, *, by_groups: bool) -> str:
    """The formula of an operator; of one that is not known here, that of broadcasting.

    Args:
        node: With inferred shapes.
        by_groups: Whether the channels of a grouped Conv shrink with the number of groups, or with the number of
            channels in each. Those of a depthwise one, which has one channel in each, always shrink by groups.
    """
    kind, attributes = node.op_type, node.attributes
    rank = len(static_shape(node.inputs[0]) or ()) if node.inputs else 0
    axes = [f"a{axis}" for axis in range(rank)]
    if kind in _CONVS:
        return _conv(node, rank, by_groups)
    if kind in _GATES:
        gates = _GATES[kind]
        weights = f"d {gates}h i, d {gates}h h, d {2 * gates}h"
        return f"s b i, {weights}, b, d b h, d b h, d {gates - 1}h -> s d b h, d b h, d b h; hidden_size h"
    if kind == "Gemm":
        first = "k m" if attributes.get_int("transA", 0) else "m k"
        second = "n k" if attributes.get_int("transB", 0) else "k n"
        return f"{first}, {second}, m n -> m n"
    if kind == "Einsum":
        return re.sub(r"(\.\.\.|\w)", r"\1 ", attributes.get_string("equation", "").replace(" ", ""))
    if kind == "Transpose":
        perm = attributes.get_ints("perm", ()) or tuple(reversed(range(rank)))
        return f"{' '.join(axes)} -> {' '.join(axes[axis] for axis in perm)}"
    if kind == "Gather" and rank:
        axis = attributes.get_int("axis", 0) % rank
        indices = [f"i{number}" for number in range(len(static_shape(node.inputs[1]) or ()))]
        return (
            f"{' '.join(axes)}, {' '.join(indices)} -> {' '.join(axes[:axis] + indices + axes[axis + 1 :])}"
        )
    if kind in ("QuantizeLinear", "DequantizeLinear") and rank:
        channel = f"a{attributes.get_int('axis', 1) % rank}"
        return f"{' '.join(axes)}, {channel}, {channel} -> {' '.join(axes)}"
    if kind in ("DepthToSpace", "SpaceToDepth"):
        block = attributes.get_int("blocksize", 1)
        deep, wide = f"n {block * block}c h w", f"n c {block}h {block}w"
        return f"{deep} -> {wide}" if kind == "DepthToSpace" else f"{wide} -> {deep}"
    if kind.startswith(("Reduce", "Arg")) and not attributes.get_int("keepdims", 1):
        reduced = {axis % rank for axis in _reduced(node, rank)}
        return f"{' '.join(axes)} -> {' '.join(axes[axis] for axis in range(rank) if axis not in reduced)}"
    if kind == "MatMul":
        row, column = (len(static_shape(value) or ()) == 1 for value in node.inputs[:2])
        parts = "k" if row else "... m k", "k" if column else "... k n"
        return f"{', '.join(parts)} -> ... {'' if row else 'm'} {'' if column else 'n'}"
    broadcast = f"{', '.join(['...'] * len(node.inputs))} -> {', '.join(['...'] * len(node.outputs))}"
    return _FIXED.get(kind, broadcast)


def _conv(node: ir.Node, rank: int, by_groups: bool) -> str:
    """Batch, channels and kernel; the spatial axes of the output are others than the input's."""
    data, result = static_shape(node.inputs[0]), static_shape(node.outputs[0])
    if data is None or result is None:
        return ""
    groups = node.attributes.get_int("group", 1)
    each, out = data[1] // groups, result[1] // groups
    by_groups = groups > 1 and (by_groups or each == 1)
    channels, results = (f"{each}g", f"{out}g") if by_groups else (f"{groups}c", f"{groups}o")
    # The first axis of the weights counts all channels of one side, the second those of one group of the other.
    weights = f"{channels} o" if node.op_type == "ConvTranspose" else f"{results} c"
    spatial, kernel = ([f"{letter}{axis}" for axis in range(2, rank)] for letter in "xk")
    parts = [""] * len(node.inputs)
    texts = (f"n {channels} {' '.join(spatial)}", f"{weights} {' '.join(kernel)}", results)
    for position, text in zip(_CONVS[node.op_type], texts, strict=False):
        if position < len(parts):
            parts[position] = text
    text = f"{', '.join(parts)} -> n {results} {' '.join(spatial).replace('x', 'y')}"
    return f"{text}; kernel_shape {' '.join(kernel)}" + ("; group g" if by_groups else "")


def _reduced(node: ir.Node, rank: int) -> Sequence[int]:
    if node.op_type.startswith("Arg"):
        return [node.attributes.get_int("axis", 0)]
    content = content_of(node.inputs[1]) if len(node.inputs) > 1 else None
    axes = node.attributes.get_ints("axes", ()) if content is None else content.tolist()
    return axes or range(rank)
