"""Widening: which integers of a model can be held in wider ones, and how an operator's result stays in range."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rkmend.rules.base import CannotApply
from rkmend.rules.replacement import Replacement

if TYPE_CHECKING:
    import onnx_ir as ir

UNSIGNED = {"UINT8": "INT32", "UINT16": "INT32", "UINT32": "INT64", "UINT64": "INT64"}
WIDER = {"INT8": "INT32", "INT16": "INT32", **UNSIGNED}
"""dtype -> the one that the toolkit computes in."""

IN_RANGE = frozenset(
    {"ArgMax", "ArgMin", "Clip", "Max", "Min", "Mod", "ReduceMax", "ReduceMin", "Relu", "Sign", "TopK"}
)
IN_RANGE |= {"Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Where"}
IN_RANGE |= {"BitwiseAnd", "BitwiseOr", "BitwiseXor", "NonZero", "OneHot", "Shape", "Size"}
IN_RANGE |= {
    "Compress",
    "Concat",
    "Expand",
    "Flatten",
    "Gather",
    "GatherElements",
    "GatherND",
    "Identity",
    "Pad",
}
IN_RANGE |= {
    "Reshape",
    "ReverseSequence",
    "Slice",
    "Split",
    "Squeeze",
    "Tile",
    "Transpose",
    "Trilu",
    "Unsqueeze",
}
"""Operators that give only numbers that the narrow dtype holds, or do not give it at all."""
OVERFLOWING = frozenset({"Abs", "Add", "Cast", "CastLike", "Div", "Mul", "Neg", "Pow", "Sub", "Sum"})
OVERFLOWING |= {"BitShift", "BitwiseNot", "CumSum", "ReduceL1", "ReduceProd", "ReduceSum", "ReduceSumSquare"}
"""Operators whose results have to be brought back into the range of the narrow dtype."""
CONSTANTS = frozenset({"Constant", "ConstantOfShape"})


def widenable(model: ir.Model) -> dict[ir.Value, ir.DataType]:
    """The values of the main graph that can be held in a wider dtype, with the one they have.

    What an operator reads or gives that has no wide form, such as DequantizeLinear, stays as it is, and so does what is
    combined with it.
    """
    import onnx_ir as ir

    graph, kinds = model.graph, {ir.DataType[name] for name in WIDER}
    inputs = [*graph.inputs, *graph.initializers.values()]
    narrow = {
        value for value in [*inputs, *(o for node in graph for o in node.outputs)] if value.dtype in kinds
    }
    if not narrow:
        return {}
    kept = {value for value in narrow if any(use.node.graph is not graph for use in value.uses())}
    before = -1
    while before != len(kept):
        before = len(kept)
        for node in graph:
            tied = {value for value in (*node.inputs, *node.outputs) if value in narrow}
            if not node.domain and node.op_type in IN_RANGE | OVERFLOWING | CONSTANTS and not tied & kept:
                continue
            kept |= tied
    return {value: value.dtype for value in narrow - kept if value.dtype is not None}


def widen(value: ir.Value, dtype: ir.DataType) -> None:
    """Gives a value, and where it is constant its content, the wider dtype."""
    import onnx_ir as ir

    wide = wider(dtype)
    value.type = ir.TensorType(wide)
    if value.is_initializer() and value.const_value is not None:
        value.const_value = ir.tensor(value.const_value.numpy().astype(wide.numpy()), name=value.name)
    node = value.producer()
    if node is not None and node.op_type in CONSTANTS:
        content = node.attributes["value"].as_tensor().numpy().astype(wide.numpy())
        node.attributes["value"] = ir.AttrTensor("value", ir.tensor(content))
    if node is not None and node.op_type == "Cast":
        node.attributes["to"] = ir.AttrInt64("to", int(wide))


def wider(dtype: ir.DataType) -> ir.DataType:
    """The dtype that holds all numbers of a narrow one; of uint64 only those below 2**63."""
    import onnx_ir as ir

    return ir.DataType[WIDER[dtype.name]]


def needs_wide_form(node: ir.Node, dtype: ir.DataType) -> bool:
    """Whether more has to change than dtypes: the operator is of unsigned integers only, or may leave their range."""
    if node.op_type == "BitShift":
        return True
    if node.op_type not in OVERFLOWING or dtype.name == "UINT64":  # nothing is wider than that
        return False
    if node.op_type in ("Abs", "Div"):  # -128 becomes 128
        return dtype.name not in UNSIGNED
    source = node.inputs[0]
    return node.op_type != "Cast" or source is None or source.dtype is None or source.dtype.name != "BOOL"


def wide_form(node: ir.Node, dtype: ir.DataType, new: Replacement) -> ir.Value:
    """The operator in the wider dtype, its result wrapped round as that of the narrow one is."""
    import numpy as np

    if node.op_type == "BitShift":
        made, grows = _shifted(node, dtype, new), node.attributes.get_string("direction") == "LEFT"
    else:
        made, grows = new.node(node.op_type.lower(), node.op_type, node.inputs, node.attributes), True
    if not grows or dtype.name == "UINT64":
        return made
    if new.opset < 10:
        raise CannotApply("results have to be wrapped round with Mod, which came with opset 10")
    size, kind = 1 << dtype.bitwidth, wider(dtype).numpy()
    span = new.constant("span", np.array(size, kind))
    if dtype.name in UNSIGNED:
        return new.node("wrapped", "Mod", [made, span])
    half = new.constant("half", np.array(size // 2, kind))
    turned = new.node("turned", "Mod", [new.node("lifted", "Add", [made, half]), span])
    return new.node("wrapped", "Sub", [turned, half])


def _shifted(node: ir.Node, dtype: ir.DataType, new: Replacement) -> ir.Value:
    """Multiplied or divided by a power of two; a shift of uint64 by 63 would need a larger one than there is."""
    import numpy as np

    most = min(dtype.bitwidth, 63)
    powers = new.constant(
        "powers", np.left_shift(1, np.arange(most, dtype=np.int64)).astype(wider(dtype).numpy())
    )
    power = new.node("power", "Gather", [powers, node.inputs[1]], {"axis": 0})
    left = node.attributes.get_string("direction") == "LEFT"
    return new.node("shifted", "Mul" if left else "Div", [node.inputs[0], power])
