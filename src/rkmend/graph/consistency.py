"""Consistency: how the sizes of an operator's inputs must agree, where the inference of the onnx package looks away.

Found by giving that inference (onnx 1.23) wrong uses of each operator that ONNX Runtime refuses to run.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rkmend.graph.values import content_of, static_shape

if TYPE_CHECKING:
    import onnx_ir as ir

Shape = tuple[int, ...]


def contradiction(node: ir.Node) -> str:
    """What is wrong with the use of an operator.

    Args:
        node: With inferred shapes. Those that are not known are taken to be right.

    Returns:
        Half a sentence; empty if nothing is found to be wrong.
    """
    for value in node.outputs:
        if value.shape is not None and any(isinstance(size, int) and size < 0 for size in value.shape):
            return f"its output '{value.name}' would have a negative size"
    check = _CHECKS.get(node.op_type) if not node.domain else None
    data = static_shape(node.inputs[0]) if node.inputs else None
    return check(_Use(node, data)) if check and data is not None else ""


@dataclass(frozen=True)
class _Use:
    """An operator with the shape of its first input."""

    node: ir.Node
    data: Shape

    def shape(self, index: int) -> Shape | None:
        """Of an input that is there and whose shape is known."""
        return static_shape(self.node.inputs[index]) if index < len(self.node.inputs) else None

    def integer(self, name: str, default: int) -> int:
        return self.node.attributes.get_int(name, default)

    def lengths(self, expected: Mapping[int, Shape]) -> str:
        """Holds the shapes of some inputs against what they should be."""
        for index, right in expected.items():
            shape = self.shape(index)
            if shape is not None and shape != right:
                return f"its input {index} has the shape {_text(shape)} and should have {_text(right)}"
        return ""


def _conv(use: _Use) -> str:
    weight, group = use.shape(1), use.integer("group", 1)
    if weight is None:
        return ""
    if len(weight) != len(use.data) or len(weight) < 3:
        return f"its weight has the shape {_text(weight)} and its input {_text(use.data)}"
    if use.data[1] != weight[1] * group:
        return f"its input has {use.data[1]} channels, its weight {weight[1]} in each of {group} groups"
    if weight[0] % group:
        return f"{weight[0]} output channels cannot be shared out to {group} groups"
    return _window(use) or _kernel(use, weight) or use.lengths({2: (weight[0],)})


def _conv_transpose(use: _Use) -> str:
    weight, group = use.shape(1), use.integer("group", 1)
    if weight is None:
        return ""
    if len(weight) != len(use.data) or len(weight) < 3:
        return f"its weight has the shape {_text(weight)} and its input {_text(use.data)}"
    if use.data[1] != weight[0] or weight[0] % group:
        return f"its input has {use.data[1]} channels, its weight {weight[0]} in {group} groups"
    return _window(use) or _kernel(use, weight) or use.lengths({2: (weight[1] * group,)})


def _kernel(use: _Use, weight: Shape) -> str:
    kernel = tuple(use.node.attributes.get_ints("kernel_shape", weight[2:]))
    return "" if kernel == weight[2:] else f"its kernel_shape is {_text(kernel)}, its weight {_text(weight)}"


def _window(use: _Use) -> str:
    """What slides over the map must fit into it at least once."""
    if len(use.data) < 3:
        return f"its input has the rank {len(use.data)} and needs 3 at least"
    made = static_shape(use.node.outputs[0])
    if (made is not None and 0 in made) or not _fits(use):
        return "its kernel does not fit into its padded input"
    return ""


def _fits(use: _Use) -> bool:
    """Whether what slides is no larger than the padded map; with a stride, inference rounds up to one output."""
    weight, attributes = use.shape(1), use.node.attributes
    kernel = attributes.get_ints("kernel_shape", weight[2:] if weight and use.node.op_type == "Conv" else ())
    if use.node.op_type == "ConvTranspose" or attributes.get_string("auto_pad", "NOTSET") != "NOTSET":
        return True  # neither slides over a map that could be too small
    axes = len(use.data) - 2
    pads = attributes.get_ints("pads", ()) or (0,) * 2 * axes
    dilations = attributes.get_ints("dilations", ()) or (1,) * axes
    padded = (size + begin + end for size, begin, end in zip(use.data[2:], pads, pads[axes:], strict=False))
    extents = ((taps - 1) * dilation + 1 for taps, dilation in zip(kernel, dilations, strict=False))
    return all(extent <= size for extent, size in zip(extents, padded, strict=False))


def _pool(use: _Use) -> str:
    kernel, pads = use.node.attributes.get_ints("kernel_shape", ()), use.node.attributes.get_ints("pads", ())
    if any(pad >= size for pad, size in zip(pads, (*kernel, *kernel), strict=False)):
        return f"its pads {_text(tuple(pads))} reach beyond its kernel {_text(tuple(kernel))}"
    return _window(use)


def _global_pool(use: _Use) -> str:
    return "" if len(use.data) >= 3 else f"its input has the rank {len(use.data)} and needs 3 at least"


def _gemm(use: _Use) -> str:
    made, other = static_shape(use.node.outputs[0]), use.shape(1)
    if other is not None and len(use.data) == len(other) == 2:
        inner = use.data[1 - use.integer("transA", 0)], other[use.integer("transB", 0)]
        if inner[0] != inner[1]:
            return f"its inner sizes are {inner[0]} and {inner[1]}"
    return _broadcasts_to(use.shape(2), made) if made is not None else ""


def _prelu(use: _Use) -> str:
    return _broadcasts_to(use.shape(1), use.data)


def _layer_normalization(use: _Use) -> str:
    axis = use.integer("axis", -1) % max(len(use.data), 1)
    return _broadcasts_to(use.shape(1), use.data[axis:]) or _broadcasts_to(use.shape(2), use.data[axis:])


def _instance_normalization(use: _Use) -> str:
    return use.lengths({1: use.data[1:2], 2: use.data[1:2]})


def _group_normalization(use: _Use) -> str:
    groups = use.integer("num_groups", 1)
    if len(use.data) < 2 or use.data[1] % groups:
        return f"its input {_text(use.data)} cannot be shared out to {groups} groups of channels"
    return ""


def _recurrent(gates: int) -> Callable[[_Use], str]:
    def check(use: _Use) -> str:
        both = 2 if use.node.attributes.get_string("direction", "forward") == "bidirectional" else 1
        recurrence = use.shape(2)
        if len(use.data) != 3 or recurrence is None or len(recurrence) != 3:
            return ""
        hidden = use.integer("hidden_size", recurrence[2])
        steps, batch = use.data[:2] if not use.integer("layout", 0) else (use.data[1], use.data[0])
        state = (both, batch, hidden) if not use.integer("layout", 0) else (batch, both, hidden)
        shapes = {
            1: (both, gates * hidden, use.data[2]),
            2: (both, gates * hidden, hidden),
            3: (both, 2 * gates * hidden),
            4: (batch,),
            5: state,
            6: state,
            7: (both, 3 * hidden),
        }
        return use.lengths(shapes) if steps else "its sequence is empty"

    return check


def _reshape(use: _Use) -> str:
    made = static_shape(use.node.outputs[0])
    if made is None or math.prod(made) == math.prod(use.data):
        return ""
    return f"{math.prod(use.data)} elements cannot have the shape {_text(made)}"


def _gather(use: _Use) -> str:
    indices = content_of(use.node.inputs[1])
    size = use.data[use.integer("axis", 0)]
    if indices is None or not indices.size or (-size <= indices.min() and indices.max() < size):
        return ""
    return f"its indices go from {indices.min()} to {indices.max()}, the axis has the size {size}"


def _blocks(divided: slice, power: int) -> Callable[[_Use], str]:
    def check(use: _Use) -> str:
        block = use.integer("blocksize", 1)
        sizes = use.data[divided]
        if any(size % block**power for size in sizes):
            return f"its input {_text(use.data)} cannot be shared out to blocks of {block}"
        return ""

    return check


def _quantization(use: _Use) -> str:
    scale, axis = use.shape(1), use.integer("axis", 1)
    if scale is None or len(scale) != 1 or scale == (1,) or use.integer("block_size", 0):
        return ""
    size = use.data[axis] if -len(use.data) <= axis < len(use.data) else 0
    return "" if scale == (size,) else f"it has {scale[0]} scales for an axis of the size {size}"


def _clip(use: _Use) -> str:
    bounds = [shape for shape in (use.shape(1), use.shape(2)) if shape is not None]
    return f"a bound has the shape {_text(bounds[0])} and should be a scalar" if any(bounds) else ""


def _broadcasts_to(shape: Shape | None, whole: Shape) -> str:
    if shape is None:
        return ""
    fits = len(shape) <= len(whole) and all(
        size in (1, other) for size, other in zip(reversed(shape), reversed(whole), strict=False)
    )
    return "" if fits else f"{_text(shape)} cannot be repeated to {_text(whole)}"


def _text(shape: Shape) -> str:
    return "x".join(map(str, shape)) or "scalar"


_CHECKS: Mapping[str, Callable[[_Use], str]] = {
    "AveragePool": _pool,
    "Clip": _clip,
    "Conv": _conv,
    "ConvTranspose": _conv_transpose,
    "DepthToSpace": _blocks(slice(1, 2), 2),
    "DequantizeLinear": _quantization,
    "GRU": _recurrent(3),
    "Gather": _gather,
    "Gemm": _gemm,
    "GlobalAveragePool": _global_pool,
    "GlobalMaxPool": _global_pool,
    "GroupNormalization": _group_normalization,
    "InstanceNormalization": _instance_normalization,
    "LSTM": _recurrent(4),
    "LayerNormalization": _layer_normalization,
    "LpPool": _pool,
    "MaxPool": _pool,
    "PRelu": _prelu,
    "QuantizeLinear": _quantization,
    "RNN": _recurrent(1),
    "Reshape": _reshape,
    "SpaceToDepth": _blocks(slice(2, 4), 1),
}
