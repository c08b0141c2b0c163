"""RotaryEmbedding in older operators."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rkmend.graph.values import static_shape
from rkmend.rules.base import CannotApply
from rkmend.rules.replacement import Replacement

if TYPE_CHECKING:
    import onnx_ir as ir


def rotary_embedding(node: ir.Node, new: Replacement) -> ir.Value:
    """Real and imaginary parts of the rotated pairs, without the empty rest that ONNX's own definition splits off."""
    import numpy as np

    data, cosine, sine, *ids = node.inputs
    shape = static_shape(data)
    if data is None or cosine is None or sine is None or shape is None:
        raise CannotApply(f"RotaryEmbedding '{node.name}': its shape is not known")

    def integers(part: str, *numbers: int) -> ir.Value:
        return new.constant(part, np.array(numbers, np.int64))

    heads_axis, size = (1, shape[3]) if len(shape) == 4 else (2, 0)
    if not size:
        heads = node.attributes.get_int("num_heads")
        size = shape[2] // heads
        data = new.node("heads", "Reshape", [data, integers("split", *shape[:2], heads, size)])
    rotated = node.attributes.get_int("rotary_embedding_dim", 0) or size
    interleaved = bool(node.attributes.get_int("interleaved", 0))

    def part(name: str, start: int, end: int, step: int = 1) -> ir.Value:
        bounds = {"start": start, "end": end, "axis": -1, "step": step}
        operands = [integers(f"{name}_{what}", number) for what, number in bounds.items()]
        return new.node(name, "Slice", [data, *operands])

    if interleaved:
        first, second = part("even", 0, rotated, 2), part("odd", 1, rotated, 2)
    else:
        first, second = part("first", 0, rotated // 2), part("second", rotated // 2, rotated)
    tables = []
    for name, table in (("cos", cosine), ("sin", sine)):
        if ids and ids[0] is not None:
            table = new.node(f"{name}_places", "Gather", [table, ids[0]])
        tables.append(new.node(name, "Unsqueeze", [table, integers(f"{name}_axis", heads_axis)]))
    cos, sin = tables
    real = new.node(
        "real", "Sub", [new.node("cc", "Mul", [cos, first]), new.node("ss", "Mul", [sin, second])]
    )
    imaginary = new.node(
        "imaginary", "Add", [new.node("sc", "Mul", [sin, first]), new.node("cs", "Mul", [cos, second])]
    )
    turned = _joined(new, real, imaginary, interleaved=interleaved)
    if interleaved:
        whole = list(shape) if len(shape) == 4 else [*shape[:2], shape[2] // size, size]
        turned = new.node("pairs", "Reshape", [turned, integers("flat", *whole[:3], rotated)])
    if rotated < size:
        turned = new.node("with_rest", "Concat", [turned, part("rest", rotated, size)], {"axis": -1})
    return turned if len(shape) == 4 else new.node("hidden", "Reshape", [turned, integers("merged", *shape)])


def _joined(new: Replacement, real: ir.Value, imaginary: ir.Value, *, interleaved: bool) -> ir.Value:
    """The two parts side by side, or element by element in a new last axis."""
    import numpy as np

    if not interleaved:
        return new.node("turned", "Concat", [real, imaginary], {"axis": -1})
    last = new.constant("last", np.array([-1], np.int64))
    columns = [
        new.node(f"column_{n}", "Unsqueeze", [value, last]) for n, value in enumerate((real, imaginary))
    ]
    return new.node("turned", "Concat", columns, {"axis": -1})
