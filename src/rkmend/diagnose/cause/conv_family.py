"""The family of single 2-D Convs: every size, pad, stride and neighbour on its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, cast

import numpy as np

from rkmend.diagnose.cause.family import CannotBuild, Factor, Feature, Point, Value
from rkmend.graph import InvalidModel, validated
from rkmend.targets import Target
from rkmend.tiling import bands
from rkmend.tiling.conv import ConvGeometry
from rkmend.tiling.sharing import row_sharings

if TYPE_CHECKING:
    import onnx_ir as ir

SIZES = ("batch", "in_channels", "height", "width", "out_channels")
"""Down to 1 and up to the original's; `in_channels` and `out_channels` are per group, times `groups`."""
SHAPE = (
    "kernel_h", "kernel_w", "stride_h", "stride_w", "dilation_h", "dilation_w",
    "pad_top", "pad_left", "pad_bottom", "pad_right",
)  # fmt: skip
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
        element_bytes: Of the numbers that the build computes with: 2 for fp16, 1 for int8.
    """

    reproducer: Point
    original: Point
    target: Target
    element_bytes: int = 2

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
        groups = tuple(sorted({_whole(self.reproducer, "groups"), _whole(self.original, "groups")}))
        factors.append(Factor("groups", choices=groups, beyond=(1, 2)))
        factors.append(Factor("bias", choices=("no", "yes")))
        factors.append(Factor("before", choices=NEIGHBOURS))
        factors.append(Factor("after", choices=NEIGHBOURS))
        return tuple(factors)

    @cached_property
    def features(self) -> tuple[Feature, ...]:
        """See `Family.features`."""

        def number(name: str) -> Feature:
            return Feature(name, lambda point: _whole(point, name))

        features = [number(name) for name in (*SIZES, *SHAPE, "groups")]
        for side, axis in (("top", "h"), ("bottom", "h"), ("left", "w"), ("right", "w")):
            name = f"pad_{side} - (dilated_kernel_{axis} - 1)"
            features.append(Feature(name, _excess(side, axis), cost=1.0))
        for axis in ("h", "w"):
            features.append(Feature(f"stride_{axis} - dilated_kernel_{axis}", _step_over(axis), cost=1.0))
        for name in ("before", "after"):
            features.append(Feature(f"there is an activation {name} it", _given(name, "none"), yes_no=True))
        features.append(Feature("has bias", _given("bias", "no"), yes_no=True))
        features.append(Feature("output_rows", lambda point: geometry(point).rows.outputs, cost=1.2))
        features.append(Feature("output_columns", lambda point: geometry(point).cols.outputs, cost=1.2))
        return (*features, *self._tiled())

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
        low, high = sorted((_whole(self.reproducer, name), _whole(self.original, name)))
        low = min(low, 0 if name.startswith("pad") else 1)
        return Factor(name, low, max(high + more, least), beyond=beyond)

    def _tiled(self) -> list[Feature]:
        """What follows from how the compiler cuts the layer for the target, where that is known."""
        cbuf, size = self.target.cbuf, self.element_bytes
        if cbuf is None:
            return []

        def live(point: Point) -> float:
            shape = geometry(point)
            cuts = row_sharings(shape, self.target.cores, size, cbuf)
            return min((cut.live_rows(shape.rows) for cut in cuts), default=shape.rows.outputs)

        return [
            Feature(
                "row_entries",
                lambda point: bands.row_entries(_whole(point, "width"), geometry(point).channels, size, cbuf),
                cost=1.5,
                meaning="row_entries: entries of the on-chip buffer (CBUF) that one row of the input takes.",
                meaning_zh="row_entries: 输入特征图的一行在片上缓存 (CBUF) 中占用的条目数。",
            ),
            Feature(
                "weight_banks",
                lambda point: bands.weight_banks(geometry(point), size, cbuf),
                cost=1.5,
                meaning="weight_banks: banks of the on-chip buffer (CBUF) that the weights take.",
                meaning_zh="weight_banks: 权重在片上缓存 (CBUF) 中占用的 bank 数。",
            ),
            Feature(
                "live_rows_in_emptiest_piece",
                live,
                cost=1.5,
                meaning="live_rows_in_emptiest_piece: the compiler shares the output rows out among the cores, in "
                "pieces of as many rows as the on-chip buffer (CBUF) takes. A padding beyond the kernel (pad_bottom > "
                "dilated_kernel_h - 1, or the same at the top) makes rows that see no input. This is how many rows of "
                "a piece see any, for the piece with the fewest; at 0 or less a piece is nothing but padding.",
                meaning_zh="live_rows_in_emptiest_piece: 编译器按片上缓存 (CBUF) 能容纳的行数把输出行切块, 分给各个核。"
                "超出卷积核的填充 (pad_bottom > dilated_kernel_h - 1, 顶部同理) 会产生看不到任何输入的输出行。"
                "该值是各块中能看到输入的行数的最小值; 小于等于 0 表示有一块全是填充。",
            ),
        ]


def geometry(point: Point) -> ConvGeometry:
    """The Conv at a point; its channels are multiples of the groups."""
    size: Mapping[str, int] = {name: _whole(point, name) for name in (*SIZES, *SHAPE, "groups")}
    return ConvGeometry(
        batch=size["batch"], channels=size["in_channels"] * size["groups"], height=size["height"],
        width=size["width"], out_channels=size["out_channels"] * size["groups"],
        **{name: size[name] for name in SHAPE}, groups=size["groups"],
    )  # fmt: skip


def point_of(shape: ConvGeometry, *, bias: bool) -> Point:
    """The point of a Conv, without neighbours."""
    sizes = {
        "batch": shape.batch, "in_channels": shape.channels // shape.groups, "height": shape.height,
        "width": shape.width, "out_channels": shape.out_channels // shape.groups, "groups": shape.groups,
    }  # fmt: skip
    return {
        **sizes,
        **{name: cast(int, getattr(shape, name)) for name in SHAPE},
        "bias": "yes" if bias else "no",
        "before": "none",
        "after": "none",
    }


def _whole(point: Point, name: str) -> int:
    return cast(int, point[name])


def _extent(point: Point, axis: str) -> int:
    """Length of the dilated kernel."""
    return (_whole(point, f"kernel_{axis}") - 1) * _whole(point, f"dilation_{axis}") + 1


def _excess(side: str, axis: str) -> Callable[[Point], float]:
    return lambda point: _whole(point, f"pad_{side}") - (_extent(point, axis) - 1)


def _step_over(axis: str) -> Callable[[Point], float]:
    return lambda point: _whole(point, f"stride_{axis}") - _extent(point, axis)


def _given(name: str, absent: str) -> Callable[[Point], float]:
    return lambda point: float(point[name] != absent)


def _count(shape: tuple[int, ...]) -> int:
    return int(np.prod(shape, dtype=np.int64))
