"""The family of single 2-D Convs: every size, pad, stride and neighbour on its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from rkmend.diagnose.cause.conv_point import SHAPE, SIZES, geometry, whole
from rkmend.diagnose.cause.conv_tiling import tiled_features
from rkmend.diagnose.cause.family import CannotBuild, Factor, Feature, Point, Value
from rkmend.graph import InvalidModel, validated
from rkmend.targets import Target

if TYPE_CHECKING:
    import onnx_ir as ir

NEIGHBOURS: tuple[Value, ...] = ("none", "Relu", "Sigmoid")
MOST_VALUES = 64 << 20
"""Elements of input, output or weights beyond which a point is not built: it would take minutes to judge."""


@dataclass(frozen=True)
class ConvFamily:
    """Single Convs between the reproducer and the Conv it was reduced from.

    Attributes:
        reproducer: Its point.
        original: The point of the Conv in the model as given.
        target: For features that the tiling decides.
    """

    reproducer: Point
    original: Point
    target: Target

    @property
    def start(self) -> Point:
        """See `Family.start`."""
        return self.reproducer

    @cached_property
    def factors(self) -> tuple[Factor, ...]:
        """See `Family.factors`. Kernels, dilations and pads go a little beyond the original's, too."""
        factors = [
            self._between(name, least=8) for name in ("in_channels", "height", "width", "out_channels")
        ]
        factors += [self._between(name, least=3) for name in ("kernel_h", "kernel_w")]
        factors += [self._between(name, least=2) for name in ("dilation_h", "dilation_w")]
        factors += [self._between(name, more=2) for name in SHAPE if name.startswith("pad")]
        factors += [self._between(name, beyond=(2, 3)) for name in ("batch", "stride_h", "stride_w")]
        groups = tuple(sorted({whole(self.reproducer, "groups"), whole(self.original, "groups")}))
        factors.append(Factor("groups", choices=groups, beyond=(1, 2)))
        factors.append(Factor("bias", choices=("no", "yes")))
        factors.append(Factor("before", choices=NEIGHBOURS))
        factors.append(Factor("after", choices=NEIGHBOURS))
        return tuple(factors)

    @cached_property
    def features(self) -> tuple[Feature, ...]:
        """See `Family.features`."""

        def number(name: str) -> Feature:
            return Feature(name, lambda point: whole(point, name))

        features = [number(name) for name in (*SIZES, *SHAPE, "groups")]
        for side, axis in (("top", "h"), ("bottom", "h"), ("left", "w"), ("right", "w")):
            name = f"pad_{side} - (dilated_kernel_{axis} - 1)"
            features.append(Feature(name, _excess(side, axis), cost=1.0))
        for axis in ("h", "w"):
            features.append(Feature(f"stride_{axis} - dilated_kernel_{axis}", _step_over(axis), cost=1.0))
        for factor, absent, name, chinese in (
            ("before", "none", "there is an activation before it", "前面有激活函数"),
            ("after", "none", "there is an activation after it", "后面有激活函数"),
            ("bias", "no", "has bias", "有 bias"),
        ):
            features.append(Feature(name, _given(factor, absent), yes_no=True, name_zh=chinese))
        features.append(Feature("output_rows", lambda point: geometry(point).rows.outputs, cost=1.2))
        features.append(Feature("output_columns", lambda point: geometry(point).cols.outputs, cost=1.2))
        return (*features, *tiled_features(self.original, self.target))

    def build(self, point: Point) -> ir.Model:
        """See `Family.build`. Weights are seeded random numbers: equal points give equal models."""
        import onnx_ir as ir
        from onnx import TensorProto, helper, numpy_helper

        shape = geometry(point)
        groups = shape.groups
        if min(shape.rows.outputs, shape.cols.outputs) < 1:
            raise CannotBuild("the kernel is larger than the padded input")
        weight_shape = (shape.out_channels, shape.channels // groups, shape.kernel_h, shape.kernel_w)
        elements = (
            _count(shape.output_shape),
            shape.channels * shape.height * shape.width,
            _count(weight_shape),
        )
        if max(elements) > MOST_VALUES:
            raise CannotBuild("too large to be judged in seconds")
        random = np.random.default_rng(0)
        weights = (random.standard_normal(weight_shape) * 0.05).astype(np.float32)
        tensors = [numpy_helper.from_array(weights, "w")]
        if point["bias"] == "yes":
            tensors.append(
                numpy_helper.from_array(random.standard_normal(shape.out_channels).astype(np.float32), "b")
            )
        first = "x" if point["before"] == "none" else "conv_in"
        last = "y" if point["after"] == "none" else "conv_out"
        nodes = []
        if first != "x":
            nodes.append(helper.make_node(str(point["before"]), ["x"], [first], "before"))
        nodes.append(
            helper.make_node(
                "Conv", [first, *(tensor.name for tensor in tensors)], [last], "conv",
                kernel_shape=[shape.kernel_h, shape.kernel_w], strides=[shape.stride_h, shape.stride_w],
                dilations=[shape.dilation_h, shape.dilation_w], group=groups,
                pads=[shape.pad_top, shape.pad_left, shape.pad_bottom, shape.pad_right],
            )
        )  # fmt: skip
        if last != "y":
            nodes.append(helper.make_node(str(point["after"]), [last], ["y"], "after"))
        shape_in = (shape.batch, shape.channels, shape.height, shape.width)
        values = [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, sizes)
            for name, sizes in (("x", shape_in), ("y", shape.output_shape))
        ]
        graph = helper.make_graph(nodes, "conv", values[:1], values[1:], tensors)
        proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 12)], ir_version=8)
        try:
            return validated(ir.from_proto(proto))
        except InvalidModel as error:
            raise CannotBuild(error.message) from error

    def _between(self, name: str, *, least: int = 0, more: int = 0, beyond: tuple[Value, ...] = ()) -> Factor:
        """An ordered factor from its simplest value, or the reproducer's, to the original's."""
        low, high = sorted((whole(self.reproducer, name), whole(self.original, name)))
        low = min(low, 0 if name.startswith("pad") else 1)
        return Factor(name, low, max(high + more, least), beyond=beyond)


def _extent(point: Point, axis: str) -> int:
    """Length of the dilated kernel."""
    return (whole(point, f"kernel_{axis}") - 1) * whole(point, f"dilation_{axis}") + 1


def _excess(side: str, axis: str) -> Callable[[Point], float]:
    return lambda point: whole(point, f"pad_{side}") - (_extent(point, axis) - 1)


def _step_over(axis: str) -> Callable[[Point], float]:
    return lambda point: whole(point, f"stride_{axis}") - _extent(point, axis)


def _given(name: str, absent: str) -> Callable[[Point], float]:
    return lambda point: float(point[name] != absent)


def _count(shape: tuple[int, ...]) -> int:
    return int(np.prod(shape, dtype=np.int64))
