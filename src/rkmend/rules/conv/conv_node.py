"""A Conv node of a model, read: its geometry and its constants."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from rkmend.graph.values import static_shape
from rkmend.rules.base import CannotApply
from rkmend.rules.conv.sliding import Sliding
from rkmend.rules.nodes import nodes_of
from rkmend.rules.operands import numbers_of, operand
from rkmend.rules.remembered import remembered
from rkmend.tiling.conv import Axis, ConvGeometry

if TYPE_CHECKING:
    import onnx_ir as ir

    from rkmend.rules.operands import Array


@dataclass(frozen=True)
class ConvNode:
    """A 2-D Conv whose shapes are all known."""

    node: ir.Node
    geometry: ConvGeometry

    @staticmethod
    def read(node: ir.Node) -> ConvNode | None:
        """Reads a node; None unless it is a 2-D Conv with static shapes."""
        if node.domain or node.op_type != "Conv":
            return None
        window, weight = Sliding.read(node), static_shape(node.inputs[1])
        if window is None or weight is None or len(window.axes) != 2:
            return None
        (rows, cols), (batch, channels) = window.axes, window.shape[:2]
        groups = node.attributes.get_int("group", 1)
        return ConvNode(node, ConvGeometry.along(rows, cols, channels, weight[0], groups, batch))

    @staticmethod
    def named(model: ir.Model, name: str) -> ConvNode:
        """The Conv of this name in the main graph.

        Raises:
            CannotApply: No such node, or its shapes are not all known.
        """
        node = next((node for node in model.graph if node.name == name), None)
        conv = ConvNode.read(node) if node is not None else None
        if conv is None:
            raise CannotApply(f"'{name}' is not a 2-D Conv with static shapes")
        return conv

    @property
    def data(self) -> ir.Value:
        """The feature map that goes in, [N, C, H, W]."""
        value = self.node.inputs[0]
        assert value is not None
        return value

    @property
    def weight(self) -> ir.Value:
        """The kernel, [K, C / groups, kh, kw]."""
        value = self.node.inputs[1]
        assert value is not None
        return value

    @property
    def bias(self) -> ir.Value | None:
        """The bias, [K]; None when there is none."""
        return operand(self.node, 2)

    @cached_property
    def weight_array(self) -> Array:
        """The numbers of `weight`.

        Raises:
            CannotApply: They are computed while the model runs.
        """
        return numbers_of(self.weight, "the weights are")

    @cached_property
    def bias_array(self) -> Array:
        """The numbers of `bias`; zeros of the output's dtype when there is none.

        Raises:
            CannotApply: They are computed while the model runs, or the dtype is unknown.
        """
        if self.bias is not None:
            return numbers_of(self.bias, "the bias is")
        import numpy as np

        if self.data.dtype is None:
            raise CannotApply(f"the dtype of '{self.data.name}' is unknown")
        return np.zeros(self.geometry.out_channels, self.data.dtype.numpy())


@remembered
def convs_of(model: ir.Model) -> list[ConvNode]:
    """The 2-D Convs of the main graph whose shapes are known."""
    return [conv for node in nodes_of(model, ("Conv",)) if (conv := ConvNode.read(node)) is not None]


def conv_attributes(rows: Axis, cols: Axis, groups: int) -> dict[str, Any]:
    """The attributes of a Conv along these axes, with its padding spelt out."""
    return {
        "kernel_shape": [rows.kernel, cols.kernel],
        "strides": [rows.stride, cols.stride],
        "dilations": [rows.dilation, cols.dilation],
        "pads": [rows.pad_begin, cols.pad_begin, rows.pad_end, cols.pad_end],
        "group": groups,
    }
