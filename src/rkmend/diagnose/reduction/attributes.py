"""Attributes: each left out, or its numbers one by one towards what they are when it is left out."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from rkmend.diagnose.reduction.change import Change, Scale
from rkmend.diagnose.reduction.edits import node_change, schema_of
from rkmend.diagnose.reduction.places import Place, set_number, with_sizes
from rkmend.graph.values import static_shape
from rkmend.tiling.conv import Axis, resolve_auto_pad

if TYPE_CHECKING:
    import onnx
    import onnx_ir as ir

USUAL = {"pads": 0, "output_padding": 0, "strides": 1, "dilations": 1, "kernel_shape": 1}
"""What the numbers of these lists are when the list is left out, or, for a kernel, at their simplest: the ONNX
specification says so in words, not in the definitions of its operators."""
_CODES = ("to", "dtype", "axis", "detect_positive", "select_last_index", "saturate")
"""Numbers of which a smaller one is not a simpler one."""


def attributes(model: ir.Model) -> Iterator[Change | Scale]:
    """Every attribute that could be left out or be simpler; tensors and bodies stay.

    Args:
        model: With inferred shapes, which tell the padding that `auto_pad` stands for.
    """
    for node in model.graph.all_nodes():
        schema = schema_of(node, model.opset_imports)
        stated = [name for name in node.attributes if _states_default(node.attributes[name], schema)]
        if stated:
            what = f"left out: {', '.join(stated)}, as they are by default"
            yield node_change(node, "attributes", what, partial(_leave_out, names=stated))
        for name, attribute in node.attributes.items():
            if name not in stated:
                yield from _simpler(node, attribute, schema)


def _simpler(
    node: ir.Node, attribute: ir.Attr, schema: onnx.defs.OpSchema | None
) -> Iterator[Change | Scale]:
    import onnx_ir as ir

    name, kinds = attribute.name, ir.AttributeType
    if attribute.is_ref() or attribute.type in (kinds.GRAPH, kinds.GRAPHS):
        return
    numbers = attribute.as_ints() if attribute.type == kinds.INTS and name in USUAL else ()
    away = [at for at, number in enumerate(numbers) if number != USUAL[name]]
    derived = name == "kernel_shape"
    optional = not _is_required(name, schema)
    if name == "auto_pad":
        yield from _explicit_padding(node)
    if optional and (len(away) != 1 or derived):
        yield node_change(node, name, "left out", partial(_leave_out, names=[name]))
    if not derived or not optional:
        yield from (_number(node, name, at, numbers[at], USUAL[name]) for at in away)
    if not optional and name not in _CODES and attribute.type == kinds.INT and attribute.as_int() > 1:
        yield _number(node, name, 0, attribute.as_int(), 1)
    if not optional and attribute.type == kinds.FLOAT:
        for simpler in (0.0, 1.0)[: _rank(attribute.as_float())]:
            yield node_change(
                node,
                name,
                f"{attribute.as_float():g} -> {simpler:g}",
                partial(_set_float, name=name, to=simpler),
            )


def _rank(number: float) -> int:
    """How many of 0 and 1 are simpler than a number."""
    return {0.0: 0, 1.0: 1}.get(number, 2)


def _number(node: ir.Node, name: str, at: int, current: int, simplest: int) -> Change | Scale:
    """One number of an attribute; a negative padding goes to 0 at once."""
    part = f"{name}[{at}]" if name in USUAL else name
    if current < simplest:
        edit = partial(set_number, attribute=name, at=at, number=simplest)
        return node_change(node, part, f"{current} -> {simplest}", edit)
    place = Place("attribute", str(node.name), at, name)
    return Scale(f"{part} of '{node.name}'", current, simplest, partial(_with_number, place))


def _with_number(place: Place, model: ir.Model, number: int) -> ir.Model:
    return with_sizes(model, {place: number})


def _explicit_padding(node: ir.Node) -> Iterator[Change]:
    """`auto_pad` SAME as the numbers that it stands for; of a ConvTranspose it stands for others."""
    data = static_shape(node.inputs[0])
    weight = static_shape(node.inputs[1]) if len(node.inputs) > 1 else None
    kernel = node.attributes.get_ints("kernel_shape", ()) or (weight or ())[2:]
    auto_pad = node.attributes.get_string("auto_pad", "NOTSET")
    if not auto_pad.startswith("SAME") or data is None or len(data) != len(kernel) + 2:
        return
    if node.op_type not in ("Conv", "FusedConv", "AveragePool", "MaxPool", "LpPool"):
        return
    ones = [1] * len(kernel)
    strides, dilations = (node.attributes.get_ints(name, ()) or ones for name in ("strides", "dilations"))
    axes = [
        resolve_auto_pad(auto_pad, Axis(*of)) for of in zip(data[2:], kernel, strides, dilations, strict=True)
    ]
    pads = [axis.pad_begin for axis in axes] + [axis.pad_end for axis in axes]
    if any(pads):
        yield node_change(node, "auto_pad", f"{auto_pad} -> pads {pads}", partial(_set_pads, pads=pads))


def _set_pads(node: ir.Node, pads: list[int]) -> None:
    import onnx_ir as ir

    del node.attributes["auto_pad"]
    node.attributes["pads"] = ir.AttrInt64s("pads", pads)


def _set_float(node: ir.Node, name: str, to: float) -> None:
    import onnx_ir as ir

    node.attributes[name] = ir.AttrFloat32(name, to)


def _leave_out(node: ir.Node, names: list[str]) -> None:
    for name in names:
        del node.attributes[name]


def _is_required(name: str, schema: onnx.defs.OpSchema | None) -> bool:
    return schema is not None and name in schema.attributes and bool(schema.attributes[name].required)


def _states_default(attribute: ir.Attr, schema: onnx.defs.OpSchema | None) -> bool:
    """Whether the operator means the same without the attribute."""
    if _is_required(attribute.name, schema):
        return False
    if attribute.name in USUAL and attribute.name != "kernel_shape":
        return all(number == USUAL[attribute.name] for number in attribute.as_ints())
    if schema is None or attribute.is_ref() or attribute.name not in schema.attributes:
        return False
    return bool(attribute.value == _default(schema, attribute.name))


def _default(schema: onnx.defs.OpSchema, name: str) -> Any:  # noqa: ANN401
    """The default that the definition of an operator gives an attribute, if it does."""
    import onnx

    default = schema.attributes[name].default_value
    if default.type == onnx.AttributeProto.UNDEFINED:
        return None
    value = onnx.helper.get_attribute_value(default)
    return value.decode() if isinstance(value, bytes) else value
