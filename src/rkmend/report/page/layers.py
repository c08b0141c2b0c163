"""Rows of the compiler's layer table, and the nodes that are computed in each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rkmend.planning import LayerPlan
from rkmend.report.page.opened import Opened
from rkmend.report.page.rows import LayerRow, Which
from rkmend.toolkit.verdict import Layer

if TYPE_CHECKING:
    import onnx_ir as ir

OUTER = frozenset({"InputOperator", "OutputOperator"})
"""Rows that stand for the interface, not for a node."""
TENSOR_ENDS = ("_mm_rs", "_rs", "-rs", "_tp", "-tp")
"""What the compiler puts behind the name of a tensor that it names a layer by."""
TOGETHER = {"Sigmoid Mul": "ExSwish", "HardSigmoid Mul": "ExHardSwish"}
"""Two operators that the compiler calls one."""


def layer_rows(
    layers: Sequence[Layer], which: Which, opened: Opened | None, planned: Sequence[LayerPlan]
) -> tuple[LayerRow, ...]:
    """The table with the nodes of each row, as far as they are certain.

    A row is named `<operator>:<name>`, where the name is mostly that of a node and sometimes that of a tensor; what it
    computes along with the node stands in its type, `ConvRelu`.

    Args:
        layers: The table.
        which: The model that was compiled.
        opened: The model; without it no row has nodes.
        planned: The plan of the model: what is computed along with what.
    """
    names = _Names(opened, planned) if opened else None
    return tuple(
        LayerRow(
            which=which,
            op=layer.op_type,
            name=layer.name,
            dtype=layer.dtype,
            target=layer.target,
            input_shapes=layer.input_shapes,
            output_shape=layer.output_shape,
            cycles_ddr=layer.cycles_ddr,
            cycles_npu=layer.cycles_npu,
            cycles=layer.cycles,
            rw_kb=layer.rw_kb,
            nodes=tuple(names.of(layer)) if names and layer.op_type not in OUTER else (),
        )
        for layer in layers
    )


class _Names:
    """Finds nodes by what the compiler calls their layers."""

    def __init__(self, opened: Opened, planned: Sequence[LayerPlan]) -> None:
        self._ids = opened.ids
        self._nodes = list(opened.model.graph)
        self._makers = opened.makers
        self._along: dict[str, list[LayerPlan]] = {}
        for layer in planned:
            if layer.into:
                self._along.setdefault(layer.into, []).append(layer)

    def of(self, layer: Layer) -> Iterator[int]:
        kind, _, name = layer.name.partition(":")
        node = self._nodes[self._ids[name]] if name in self._ids else self._maker(kind, name)
        if node is None:
            return
        yield self._ids[str(node.name)]
        along = self._along.get(str(node.name), [])
        if along and layer.op_type == kind + _together([one.operator for one in along]):
            yield from (self._ids[one.name] for one in along)

    def _maker(self, kind: str, name: str) -> ir.Node | None:
        """The node whose output a layer is named by, if it is of the kind that the layer is."""
        for end in ("", *TENSOR_ENDS):
            place = self._makers.get(name.removesuffix(end)) if name.endswith(end) else None
            if place is not None:
                return self._nodes[place] if self._nodes[place].op_type == kind else None
        return None


def _together(operators: list[str]) -> str:
    listed = " ".join(operators)
    for parts, name in TOGETHER.items():
        listed = listed.replace(parts, name)
    return listed.replace(" ", "")
