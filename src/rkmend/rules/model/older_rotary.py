"""RotaryEmbedding in older operators."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rkmend.graph.values import static_shape
from rkmend.rules.base import CannotApply
from rkmend.rules.forms import cut, joined, reshaped, unsqueezed
from rkmend.rules.replacement import Replacement

if TYPE_CHECKING:
    import onnx_ir as ir


def rotary_embedding(node: ir.Node, new: Replacement) -> ir.Value:
    """Real and imaginary parts of the rotated pairs, without the empty rest that ONNX's own definition splits off."""
    data, cosine, sine, *ids = node.inputs
    shape = static_shape(data)
    if data is None or cosine is None or sine is None or shape is None:
        raise CannotApply(f"RotaryEmbedding '{node.name}': its shape is not known")

    heads_axis, size = (1, shape[3]) if len(shape) == 4 else (2, 0)
    if not size:
        heads = node.attributes.get_int("num_heads")
        size = shape[2] // heads
        data = reshaped(new, "heads", data, [*shape[:2], heads, size])
    rotated = node.attributes.get_int("rotary_embedding_dim", 0) or size
    interleaved = bool(node.attributes.get_int("interleaved", 0))

    def part(name: str, start: int, end: int, step: int = 1) -> ir.Value:
        return cut(new, name, data, -1, start, end, step)

    if interleaved:
        first, second = part("even", 0, rotated, 2), part("odd", 1, rotated, 2)
    else:
        first, second = part("first", 0, rotated // 2), part("second", rotated // 2, rotated)
    tables = []
    for name, table in (("cos", cosine), ("sin", sine)):
        if ids and ids[0] is not None:
            table = new.node(f"{name}_places", "Gather", [table, ids[0]])
        tables.append(unsqueezed(new, name, table, heads_axis))
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
        turned = reshaped(new, "pairs", turned, [*whole[:3], rotated])
    if rotated < size:
        turned = joined(new, "with_rest", [turned, part("rest", rotated, size)], -1)
    return turned if len(shape) == 4 else reshaped(new, "hidden", turned, shape)


def _joined(new: Replacement, real: ir.Value, imaginary: ir.Value, *, interleaved: bool) -> ir.Value:
    """The two parts side by side, or element by element in a new last axis."""
    if not interleaved:
        return joined(new, "turned", [real, imaginary], -1)
    columns = [unsqueezed(new, f"column_{n}", value, -1) for n, value in enumerate((real, imaginary))]
    return joined(new, "turned", columns, -1)
