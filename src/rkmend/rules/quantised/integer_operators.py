"""RKM303: operators that compute with integers of a constant scale."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rkmend.rules.base import CannotApply, Exactness, Finding, Level
from rkmend.rules.operands import constant_of, operand
from rkmend.rules.quantised.constants import zeros_like
from rkmend.rules.quantised.everywhere import EverywhereRule
from rkmend.rules.quantised.forms import CONCAT, FORMS, MOVES, Form, form_of
from rkmend.rules.quantised.sums import SUMS, within_half
from rkmend.rules.replacement import Replacement

if TYPE_CHECKING:
    import onnx_ir as ir

    Grid = tuple[ir.Value, ir.Value | None]
    """Scale and zero point."""

TIES = 2.0**-6
"""Largest root mean square of the difference, relative to that of the output, that numbers rounded to the other side
of a tie may make: if every element were one step of 255 off, that would be 2^-7 of a signal of half the range."""


class IntegerOperators(EverywhereRule):
    """Operators that compute with integers of a constant scale: QLinearConv, QLinearMatMul and ONNX Runtime's own.

    ## What happens

    `build` raises one of

        RuntimeError: Unable to handle object of type <class 'numpy.float32'>
        InferenceError: [TypeInferenceError] Inferred elem type differs from existing elem type: (2) vs (1)
        ValueError: Missing quantization parameters for a_quantized, leading to ambiguity
        TypeError: 'NoneType' object is not iterable

    ## Why

    The toolkit takes quantised models in one of their two forms only: float operators between DequantizeLinear and
    QuantizeLinear, which it turns into integer layers itself.

    ## Example

    What `onnxruntime.quantization.quantize_static` writes with `quant_format=QOperator`.

    ## What rkmend does

    * `quantise-dequantise`: writes each as the float operator, with DequantizeLinear in front and QuantizeLinear
      behind; so too the MaxPool, Reshape and the like that only move such integers. Weights and bias stay integers.
      Sums and averages get the Clip of quantised-sums at once.

    ## Exactness and its limits

    `rounding`: in real arithmetic both are the same function, rounded to the same steps. A sum that falls on the
    middle between two steps may be rounded to either, so single outputs may be one step off.

    ## Evidence

    Toolkit 2.3.2, rk3588: all of 33 models that `quantize_static` wrote in this form fail (Conv, Gemm, MatMul, Add,
    Mul, Concat, LeakyRelu, Sigmoid, Softmax, the pools; int8 and uint8, per tensor and per channel). With the mend they
    convert; Conv, Gemm, MatMul, Mul, Concat, MaxPool and Add give the numbers of ONNX Runtime bit for bit, the others
    within a step.
    """

    code = "RKM303"
    name = "integer-operators"
    level = Level.ERROR
    operators = frozenset({*FORMS, CONCAT})
    what = "The model computes with integers"
    mend = "quantise-dequantise"
    summary = "Writes operators on integers as float operators between DequantizeLinear and QuantizeLinear."
    exactness = Exactness.ROUNDING

    def places(self, graph: ir.Graph) -> tuple[list[ir.Node], list[ir.Node]]:
        """The operators on integers, and those that move what they give and take."""
        found = list(_sites(graph))
        held = [node for node in found if form_of(node) is not None]
        return held, found if held else []

    def noise(self, finding: Finding) -> float:
        """Of ties."""
        return TIES

    def rewrite(self, model: ir.Model) -> None:
        """QuantizeLinear and DequantizeLinear around float operators."""
        for node, grid in _sites(model.graph).items():
            new = self.replacement(node)
            form = form_of(node)
            if form is None:
                operands = [_real(new, node.inputs[0], grid), *node.inputs[1:]]
                result = new.node("float", node.op_type, operands, dict(node.attributes))
            else:
                operands = [_operand(new, node, form, place) for place in form.operands]
                if form.floats in SUMS:
                    operands = [within_half(new, value) for value in operands]
                operands += _bias(new, node, form)
                result = new.node("float", form.floats, operands, _attributes(node))
                grid = _grid(node, form.output)
            if grid is not None:
                zero_point = grid[1] or zeros_like(new, node.outputs[0], grid[0])
                result = new.node("quantised", "QuantizeLinear", [result, grid[0], zero_point])
            new.finish(result)


def _sites(graph: ir.Graph) -> dict[ir.Node, Grid | None]:
    """The operators on integers, in graph order; those that only move them with the scale that they have."""
    grids: dict[ir.Value | None, Grid] = {}
    found: dict[ir.Node, Grid | None] = {}
    for node in graph:
        form = form_of(node)
        if form is not None:
            found[node] = None
        elif node.op_type in MOVES and node.inputs[0] in grids:
            found[node] = grids[node.inputs[0]]
        elif node.op_type != "QuantizeLinear":
            continue
        grid = found.get(node) or _grid(node, form.output if form else 1)
        if grid is not None:
            grids[node.outputs[0]] = grid
    return found


def _grid(node: ir.Node, place: int) -> Grid | None:
    """Scale and zero point that are inputs of a node."""
    scale = operand(node, place)
    return None if scale is None else (scale, operand(node, place + 1))


def _real(new: Replacement, value: ir.Value | None, grid: Grid | None, axis: int | None = None) -> ir.Value:
    if grid is None or value is None:
        raise CannotApply("an operand has no scale")
    scale, zero_point = grid
    inputs = [value, scale, zero_point or zeros_like(new, value, scale)]
    return new.node("real", "DequantizeLinear", inputs, {} if axis is None else {"axis": axis})


def _operand(new: Replacement, node: ir.Node, form: Form, place: int) -> ir.Value:
    """An operand as floats; with a scale for each output channel, where it is a weight."""
    value, grid = node.inputs[place], _grid(node, place + 1)
    scale = constant_of(grid[0]) if grid else None
    if scale is None or scale.size == 1:
        return _real(new, value, grid)
    if value is None or value.shape is None or place == form.operands[0]:
        raise CannotApply(f"{node.op_type} '{node.name}' has a scale for each row of its first operand")
    if new.opset < 13:
        raise CannotApply(f"DequantizeLinear of opset {new.opset} has one scale for the whole tensor")
    by_row = form.floats == "Conv" or bool(node.attributes.get_int("transB", 0))
    return _real(new, value, grid, 0 if by_row else len(value.shape) - 1)


def _bias(new: Replacement, node: ir.Node, form: Form) -> list[ir.Value]:
    """The bias, an int32 tensor whose scale is the product of those of the operands."""
    import numpy as np

    bias = operand(node, form.bias) if form.bias is not None else None
    if bias is None:
        return []
    factors = [constant_of(node.inputs[place + 1]) for place in form.operands]
    scale = np.array(node.attributes.get_float("alpha", 1.0), np.float32)
    for factor in factors:
        if factor is None:
            raise CannotApply(f"a scale of {node.op_type} '{node.name}' is not constant")
        scale = (scale * factor).astype(np.float32)
    single = scale.size == 1
    grid = (new.constant("bias_scale", scale.reshape(()) if single else scale.reshape(-1)), None)
    return [_real(new, bias, grid, None if single else 0)]


def _attributes(node: ir.Node) -> dict[str, Any]:
    """Those of the float operator."""
    attributes: dict[str, Any] = dict(node.attributes)
    if "channels_last" in attributes and attributes.pop("channels_last").as_int():
        raise CannotApply(f"{node.op_type} '{node.name}' has its channels last")
    old = attributes.pop("opset").as_int() < 13 if "opset" in attributes else False
    value = node.inputs[0]
    if old and value is not None and value.shape is not None:
        if node.attributes.get_int("axis", 1) % len(value.shape) != len(value.shape) - 1:
            raise CannotApply(f"Softmax '{node.name}' is over several axes, as before opset 13")
        attributes["axis"] = -1
    return attributes
