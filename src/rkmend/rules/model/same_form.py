"""Whether an operator means the same in an older operator set, as its definitions there and here tell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx
    import onnx_ir as ir

REDEFINED = frozenset({"DFT", "GridSample", "GroupNormalization"})
"""Operators whose newer definition reads the same inputs or attributes in another way: DFT 20 counts its default axis
from the end, GridSample 20 renames its modes, GroupNormalization 21 takes a scale per channel and not per group.
From the change log of ONNX, opsets 20 to 28."""


def same_form(node: ir.Node, opset: int, version: int) -> bool:
    """Whether an operator of the default domain can be read as one of an older operator set.

    That is so when its definition is the older one, or a newer one that only takes more dtypes, inputs and
    attributes than this node makes use of.

    Args:
        node: With inferred types.
        opset: The operator set of its model.
        version: The older one.
    """
    newer, older = _schema(node, opset), _schema(node, version)
    if newer is None or older is None or older.deprecated:
        return False
    if newer.since_version == older.since_version:
        return True
    known = older.attributes.keys() | idle_attributes(node, opset, version)
    return (
        node.op_type not in REDEFINED
        and node.attributes.keys() <= known
        and _fit(node.inputs, older.inputs)
        and _fit(node.outputs, older.outputs)
    )


def idle_attributes(node: ir.Node, opset: int, version: int) -> set[str]:
    """The attributes that an older operator set does not have, given with the value that changes nothing."""
    import onnx_ir as ir

    newer, older = _schema(node, opset), _schema(node, version)
    if newer is None or older is None:
        return set()
    values = {
        name: ir.serde.deserialize_attribute(attribute.default_value).value
        for name, attribute in newer.attributes.items()
        if attribute.default_value.type and name not in older.attributes
    }
    return {name for name, given in node.attributes.items() if name in values and given.value == values[name]}


def _schema(node: ir.Node, version: int) -> onnx.defs.OpSchema | None:
    import onnx

    try:
        return onnx.defs.get_schema(node.op_type, version, "")
    except onnx.defs.SchemaError:
        return None


def _fit(values: Sequence[ir.Value | None], formal: Sequence[onnx.defs.OpSchema.FormalParameter]) -> bool:
    """Whether there are parameters for all values, of their dtypes; the last one may stand for many."""
    import onnx

    variadic = bool(formal) and formal[-1].option == onnx.defs.OpSchema.FormalParameterOption.Variadic
    for index, value in enumerate(values):
        if value is None or not value.name:
            continue
        if index >= len(formal) and not variadic:
            return False
        kind = formal[min(index, len(formal) - 1)]
        if value.dtype is not None and f"tensor({value.dtype.name.lower()})" not in kind.types:
            return False
    return True
