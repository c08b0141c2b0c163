"""Random layers: one operator each, as a user of the NPU may come to write it, and some that nobody should.

Sizes are drawn evenly on a logarithmic scale, every second one from the sizes that networks have. A layer may take
`MOST_ELEMENTS` of input and of output and `MOST_MACS`, so that a trial stays short; nothing else is held back.
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

MOST_ELEMENTS = 1 << 21
MOST_WEIGHTS = 1 << 21
MOST_MACS = 1 << 31
CHANNELS = (1, 3, 4, 8, 16, 24, 32, 40, 48, 64, 80, 96, 128, 160, 192, 256, 320, 384, 512, 768, 1024)
SIZES = (1, 7, 8, 10, 13, 14, 16, 20, 26, 28, 32, 40, 52, 56, 64, 80, 96, 112, 128, 160, 224, 320, 416, 640)


@dataclass(frozen=True)
class Layer:
    """One operator.

    Attributes:
        kind: The row of the table that it counts for.
        operator: ONNX operator.
        shape: Of the input.
        attributes: Of the node.
        weights: Shapes of constant operands.
        int8: Whether it is to be quantised.
        relu: Whether a Relu follows.
    """

    kind: str
    operator: str
    shape: tuple[int, ...]
    attributes: dict[str, Any] = field(default_factory=dict)
    weights: tuple[tuple[int, ...], ...] = ()
    int8: bool = False
    relu: bool = False

    @property
    def key(self) -> str:
        """The whole of it, in a line."""
        return json.dumps(asdict(self), sort_keys=True)

    def model(self) -> onnx.ModelProto | None:
        """The layer as a model with opset 13; None where it has no output, or more of it than is tried."""
        if not self._fits():
            return None
        weights = [
            np.random.default_rng(1).standard_normal(shape).astype(np.float32) for shape in self.weights
        ]
        names = [f"w{number}" for number in range(len(weights))]
        attributes = dict(self.attributes)
        if self.operator == "Resize":
            names = ["", "scales"]
            weights = [np.array(attributes.pop("scales"), np.float32)]
        inits = [
            numpy_helper.from_array(array, name)
            for array, name in zip(weights, filter(None, names), strict=True)
        ]
        last = "t" if self.relu else "y"
        nodes = [helper.make_node(self.operator, ["x", *names], [last], name="layer", **attributes)]
        if self.relu:
            nodes.append(helper.make_node("Relu", ["t"], ["y"], name="relu"))
        graph = helper.make_graph(
            nodes,
            "network",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, self.shape)],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
            inits,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
        try:
            model = onnx.shape_inference.infer_shapes(model, strict_mode=True)
        except onnx.shape_inference.InferenceError:
            return None
        output = [axis.dim_value for axis in model.graph.output[0].type.tensor_type.shape.dim]
        if min(output) < 1 or math.prod(output) > MOST_ELEMENTS or self._macs(output) > MOST_MACS:
            return None
        onnx.checker.check_model(model)
        return model

    def _fits(self) -> bool:
        """Whether a window is no larger than the padded map: onnx infers an output all the same."""
        kernel, pads = self.attributes.get("kernel_shape"), self.attributes.get("pads")
        if not kernel or self.operator == "ConvTranspose":
            return True
        dilation = self.attributes.get("dilations", (1, 1))
        return all(
            size + pads[axis] + pads[axis + 2] >= (kernel[axis] - 1) * dilation[axis] + 1
            for axis, size in enumerate(self.shape[2:])
        )

    def _macs(self, output: list[int]) -> int:
        if not self.weights:
            return 0
        per_output = math.prod(self.weights[0]) // self.weights[0][0]
        at = self.shape if self.operator == "ConvTranspose" else output
        return math.prod(at) * per_output


def draw(number: int, seed: int) -> list[Layer]:
    """That many different layers, each with an output.

    Args:
        number: How many.
        seed: The same layers for the same seed.
    """
    generator = random.Random(seed)
    layers: dict[str, Layer] = {}
    kinds = [kind for kind, weight in _KINDS.items() for _ in range(weight)]
    while len(layers) < number:
        kind = kinds[len(layers) % len(kinds)]
        layer = _DRAWS[kind](generator)
        small = math.prod(layer.shape) <= MOST_ELEMENTS
        if (
            small
            and all(math.prod(shape) <= MOST_WEIGHTS for shape in layer.weights)
            and layer.model() is not None
        ):
            layers[layer.key] = layer
    return list(layers.values())


def _conv(generator: random.Random) -> Layer:
    channels, out = _channels(generator), _channels(generator)
    groups = 1
    if generator.random() < 0.15:
        groups = generator.choice(
            [number for number in (2, 3, 4, 8, 16, 32) if channels % number == 0] or [1]
        )
        out = -(-out // groups) * groups
    spatial, attributes = _sliding(generator)
    bias = ((out,),) if generator.random() < 0.7 else ()
    return Layer(
        "Conv",
        "Conv",
        (1, channels, *spatial),
        {**attributes, "group": groups},
        ((out, channels // groups, *attributes["kernel_shape"]), *bias),
        int8=_int8(generator),
        relu=generator.random() < 0.2,
    )


def _depthwise(generator: random.Random) -> Layer:
    channels = max(2, _channels(generator))
    spatial, attributes = _sliding(generator)
    bias = ((channels,),) if generator.random() < 0.7 else ()
    return Layer(
        "depth-wise Conv",
        "Conv",
        (1, channels, *spatial),
        {**attributes, "group": channels},
        ((channels, 1, *attributes["kernel_shape"]), *bias),
        int8=_int8(generator),
        relu=generator.random() < 0.2,
    )


def _transposed(generator: random.Random) -> Layer:
    channels, out = _channels(generator), _channels(generator)
    groups = 1
    if generator.random() < 0.25:
        groups = out = channels
    spatial, attributes = _sliding(generator)
    if generator.random() < 0.8:
        attributes["dilations"] = [1, 1]
    bias = ((out,),) if generator.random() < 0.7 else ()
    return Layer(
        "ConvTranspose",
        "ConvTranspose",
        (1, channels, *spatial),
        {**attributes, "group": groups},
        ((channels, out // groups, *attributes["kernel_shape"]), *bias),
        int8=_int8(generator),
    )


def _pool(generator: random.Random) -> Layer:
    spatial, attributes = _sliding(generator)
    del attributes["dilations"]
    operator = generator.choice(["MaxPool", "AveragePool"])
    kernel, pads = attributes["kernel_shape"], attributes["pads"]
    attributes["pads"] = [min(pad, kernel[place % 2] - 1) for place, pad in enumerate(pads)]
    if generator.random() < 0.15:
        attributes["ceil_mode"] = 1
    if operator == "AveragePool" and generator.random() < 0.5:
        attributes["count_include_pad"] = 1
    return Layer(operator, operator, (1, _channels(generator), *spatial), attributes, int8=_int8(generator))


def _global_pool(generator: random.Random) -> Layer:
    operator = generator.choice(["GlobalAveragePool", "GlobalMaxPool"])
    shape = (1, _channels(generator), _size(generator), _size(generator))
    return Layer("GlobalPool", operator, shape, int8=_int8(generator))


def _resize(generator: random.Random) -> Layer:
    mode = generator.choice(["nearest", "linear"])
    scale = generator.choice([2, 2, 2, 3, 4, 8, 0.5, 1.5, generator.choice([5, 6, 7, 9, 16, 0.25, 2.5])])
    other = scale if generator.random() < 0.8 else generator.choice([1, 2, 4])
    attributes = {"mode": mode, "scales": [1.0, 1.0, float(scale), float(other)]}
    attributes["coordinate_transformation_mode"] = generator.choice(
        ["asymmetric", "half_pixel", "pytorch_half_pixel", "align_corners"]
    )
    if mode == "nearest":
        attributes["nearest_mode"] = generator.choice(["floor", "round_prefer_floor"])
    shape = (1, _channels(generator), _size(generator, 256), _size(generator, 256))
    return Layer("Resize", "Resize", shape, attributes, int8=_int8(generator))


def _transpose(generator: random.Random) -> Layer:
    rank = generator.choice([2, 3, 4, 4, 4, 5])
    perm = list(range(rank))
    while perm == sorted(perm):
        generator.shuffle(perm)
    shape = [1 if generator.random() < 0.5 else 2] if rank > 2 else []
    while len(shape) < rank:
        shape.append(_size(generator, 10000 if generator.random() < 0.2 else 256))
    return Layer("Transpose", "Transpose", tuple(shape), {"perm": perm}, int8=_int8(generator))


def _matmul(generator: random.Random) -> Layer:
    rank = generator.choice([2, 3, 4])
    lead = [1] * max(0, rank - 3) + [generator.choice([1, 1, 2, 8, 12])] * (rank > 2)
    rows, inner, columns = (_size(generator, 10000 if generator.random() < 0.2 else 1024) for _ in range(3))
    weights = ((inner, columns),) if generator.random() < 0.7 else ((*lead, inner, columns),)
    return Layer("MatMul", "MatMul", (*lead, rows, inner), {}, weights, int8=_int8(generator))


def _softmax(generator: random.Random) -> Layer:
    rank = generator.choice([2, 3, 4])
    shape = [1] + [_size(generator, 10000 if generator.random() < 0.2 else 512) for _ in range(rank - 1)]
    return Layer(
        "Softmax", "Softmax", tuple(shape), {"axis": generator.choice([-1, -1, 1])}, int8=_int8(generator)
    )


def _sliding(generator: random.Random) -> tuple[list[int], dict[str, Any]]:
    """Height and width, and the attributes of a window that slides over them."""
    square = generator.random() < 0.6
    height = _size(generator, 9000 if generator.random() < 0.05 else 1500)
    width = height if square else _size(generator, 9000 if generator.random() < 0.05 else 1500)
    kernel = (
        [_kernel(generator)] * 2 if generator.random() < 0.75 else [_kernel(generator), _kernel(generator)]
    )
    stride = (
        [_stride(generator)] * 2 if generator.random() < 0.85 else [_stride(generator), _stride(generator)]
    )
    dilation = [1, 1]
    if generator.random() < 0.15:
        dilation = [generator.choice([2, 2, 3, 4, 6, 12, 18, generator.randint(1, 36)])] * 2
    same = [(size - 1) * spread // 2 for size, spread in zip(kernel, dilation, strict=True)]
    how = generator.random()
    if how < 0.35:
        pads = [0, 0, 0, 0]
    elif how < 0.75:
        pads = same * 2
    else:
        most = [(size - 1) * spread + 1 for size, spread in zip(kernel, dilation, strict=True)]
        pads = [generator.randint(0, min(20, longest)) for longest in most * 2]
    return [height, width], {"kernel_shape": kernel, "strides": stride, "dilations": dilation, "pads": pads}


def _kernel(generator: random.Random) -> int:
    if generator.random() < 0.75:
        return generator.choice([1, 1, 2, 3, 3, 3, 4, 5, 7])
    return generator.randint(1, 36 if generator.random() < 0.3 else 13)


def _stride(generator: random.Random) -> int:
    if generator.random() < 0.85:
        return generator.choice([1, 1, 1, 2])
    return generator.randint(1, 10)


def _channels(generator: random.Random) -> int:
    if generator.random() < 0.6:
        return generator.choice(CHANNELS)
    return _even(generator, 9000 if generator.random() < 0.03 else 1024)


def _size(generator: random.Random, most: int = 1024) -> int:
    if generator.random() < 0.5:
        return generator.choice([size for size in SIZES if size <= most])
    return _even(generator, most)


def _even(generator: random.Random, most: int) -> int:
    """Evenly on a logarithmic scale."""
    return round(math.exp(generator.uniform(0, math.log(most))))


def _int8(generator: random.Random) -> bool:
    return generator.random() < 0.3


_KINDS = {
    "conv": 8,
    "depthwise": 4,
    "transposed": 3,
    "pool": 3,
    "global": 1,
    "resize": 2,
    "transpose": 2,
    "matmul": 2,
    "softmax": 1,
}
"""How many of each there are in `sum` of them."""

_DRAWS: dict[str, Callable[[random.Random], Layer]] = {
    "conv": _conv,
    "depthwise": _depthwise,
    "transposed": _transposed,
    "pool": _pool,
    "global": _global_pool,
    "resize": _resize,
    "transpose": _transpose,
    "matmul": _matmul,
    "softmax": _softmax,
}


def parse(key: str) -> Layer:
    """A layer from its `key`."""
    fields = json.loads(key)
    fields["shape"] = tuple(fields["shape"])
    fields["weights"] = tuple(map(tuple, fields["weights"]))
    return Layer(**fields)
