"""The matrices of a Resize: what it does along each of its axes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rkmend.rules.base import CannotApply
from rkmend.rules.operands import constant_of, operand
from rkmend.rules.replacement import Replacement
from rkmend.rules.structure.evaluate import computed
from rkmend.rules.structure.linear import multiplied

if TYPE_CHECKING:
    import onnx_ir as ir

    from rkmend.rules.operands import Array


def interpolated(node: ir.Node, new: Replacement) -> ir.Value:
    """A Resize or Upsample with constant sizes as one MatMul for each axis that it changes.

    Raises:
        CannotApply: Its scales are not known, or ONNX Runtime has no such form of the operator.
    """
    import numpy as np

    value, made = node.inputs[0], node.outputs[0].shape
    if value is None or value.shape is None or made is None or value.dtype is None:
        raise CannotApply("its shapes are not known")
    before, after = value.shape.numpy(), made.numpy()
    scales, region = _scales(node, before), _region(node, len(before))
    for axis, (size, wanted) in enumerate(zip(before, after, strict=True)):
        scale = scales.get(axis)
        if size == wanted and scale in (None, 1) and region[axis] == (0, 1):
            continue
        matrix = _matrix(node, new.opset, size, wanted if scale is None else scale, region[axis])
        if matrix.shape[0] != wanted:
            raise CannotApply(f"axis {axis} has {wanted} elements, and {matrix.shape[0]} by its scale")
        matrix = np.ascontiguousarray(matrix, value.dtype.numpy())
        value = multiplied(new, f"axis{axis}", value, axis, len(before), matrix)
    return value


def _matrix(node: ir.Node, opset: int, size: int, goal: int | float, region: tuple[float, float]) -> Array:
    """What the operator does to one axis, [out, in]: it is linear, so its values on the unit vectors say all.

    They stand in the rows of a map whose columns are left alone.

    Args:
        node: The operator.
        opset: Its version.
        size: Of the axis.
        goal: The size that it gets, or (float) the scale.
        region: What of it is kept, as shares of it.
    """
    import numpy as np

    units = np.eye(size, dtype=np.float32)[None, None]
    attributes = {
        name: attribute
        for name, attribute in node.attributes.items()
        if name not in ("axes", "keep_aspect_ratio_policy", "scales")
    }
    roi = np.array([0, 0, region[0], 0, 1, 1, region[1], 1], np.float32)
    scales = np.array([1, 1, goal, 1], np.float32)
    inputs: list[Array | None] = [roi, scales]
    if isinstance(goal, int):
        inputs = [roi, None, np.array([1, 1, goal, size], np.int64)]
    elif node.op_type == "Upsample" or opset < 11:
        inputs = [scales]
    opset = 9 if node.op_type == "Upsample" else opset
    if computed(node.op_type, [np.zeros_like(units), *inputs], attributes, opset).any():
        raise CannotApply("it fills in a number of its own (extrapolation_value) outside of the region")
    matrix: Array = computed(node.op_type, [units, *inputs], attributes, opset)[0, 0]
    return matrix


def _scales(node: ir.Node, before: tuple[int, ...]) -> dict[int, float]:
    """The scale of each axis, where it counts with scales and not with sizes."""
    import numpy as np

    axes = _axes(node, len(before))
    if node.op_type == "Upsample":
        listed = node.attributes.get_floats("scales", ()) or _constant(node, 1)
    else:
        listed = _constant(node, 1 if len(node.inputs) == 2 else 2)
    sizes = _constant(node, 3)
    policy = node.attributes.get_string("keep_aspect_ratio_policy", "stretch")
    if len(sizes) and policy != "stretch":
        shares = [np.float32(size) / np.float32(before[axis]) for axis, size in zip(axes, sizes, strict=True)]
        listed = [(min if policy == "not_larger" else max)(shares)] * len(axes)
    if not len(listed):
        if not len(sizes):
            raise CannotApply("neither its scales nor its sizes are constant")
        return {}
    return {axis: float(scale) for axis, scale in zip(axes, listed, strict=True)}


def _region(node: ir.Node, rank: int) -> list[tuple[float, float]]:
    """Start and end of the region of interest along each axis; all of it unless it is cropped."""
    region = [(0.0, 1.0)] * rank
    if node.attributes.get_string("coordinate_transformation_mode", "") == "tf_crop_and_resize":
        roi, axes = [float(bound) for bound in _constant(node, 1)], _axes(node, rank)
        for number, axis in enumerate(axes):
            region[axis] = (roi[number], roi[number + len(axes)])
    return region


def _axes(node: ir.Node, rank: int) -> list[int]:
    return [axis % rank for axis in node.attributes.get_ints("axes", ()) or range(rank)]


def _constant(node: ir.Node, position: int) -> Array | tuple[()]:
    """A constant input, flat; empty where there is none."""
    array = constant_of(operand(node, position))
    return () if array is None else array.ravel()
