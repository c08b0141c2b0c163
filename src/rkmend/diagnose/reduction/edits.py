"""Edits: the small steps that changes of nodes are made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from rkmend.diagnose.reduction.change import Change

if TYPE_CHECKING:
    import onnx
    import onnx_ir as ir


def node_change(node: ir.Node, part: str, what: str, edit: Callable[[ir.Node], None]) -> Change:
    """A Change of one node, found by its name in a copy of the model."""
    name = node.name

    def apply(model: ir.Model) -> ir.Model:
        edited = model.clone()
        edit(next(other for other in edited.graph.all_nodes() if other.name == name))
        return edited

    return Change(f"{part} of '{name}'", what, apply)


def schema_of(node: ir.Node, opsets: dict[str, int]) -> onnx.defs.OpSchema | None:
    """The definition of an operator; of one of ONNX Runtime, that of the standard operator it is like, if any."""
    import onnx

    name, domain = node.op_type, node.domain
    if domain == "com.microsoft":
        name, domain = name.removeprefix("Fused"), ""
    try:
        return onnx.defs.get_schema(name, opsets.get(domain, 1), domain)
    except onnx.defs.SchemaError:
        return None
