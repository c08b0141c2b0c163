"""Outputs of a pooling under `ceil_mode`, of which onnx infers too many."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rkmend.graph.values import static_shape

if TYPE_CHECKING:
    import onnx_ir as ir


def leave_out_windows_behind(node: ir.Node) -> None:
    """Leaves windows that begin behind the data and its padding in front out of the shape, as ONNX Runtime does.

    Source: ONNX Runtime, and the specification ("Sliding windows that would start in the right padded region are
    ignored"); onnx 1.23 infers them all the same for operator set 13.
    """
    import onnx_ir as ir

    ints = node.attributes.get_ints
    data = static_shape(node.inputs[0])
    if (
        node.op_type not in ("MaxPool", "AveragePool")
        or not node.attributes.get_int("ceil_mode", 0)
        or not data
    ):
        return
    if node.attributes.get_string("auto_pad", "NOTSET") != "NOTSET":
        return
    sizes = data[2:]
    strides, pads = ints("strides", ()) or (1,) * len(sizes), ints("pads", ()) or (0,) * 2 * len(sizes)
    for value in node.outputs:
        counts = static_shape(value)
        if counts is not None and len(counts) == len(data):
            begun = (
                (size + pad - 1) // stride + 1
                for size, pad, stride in zip(sizes, pads[: len(sizes)], strides, strict=True)
            )
            value.shape = ir.Shape([*counts[:2], *map(min, counts[2:], begun)])
