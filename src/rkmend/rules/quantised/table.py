"""RKM302: a constant table of integers that is looked up first and dequantised after."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rkmend.rules.base import Exactness, Level
from rkmend.rules.operands import constant_of, is_constant, operand
from rkmend.rules.quantised.constants import along, dequantised
from rkmend.rules.quantised.everywhere import EverywhereRule

if TYPE_CHECKING:
    import onnx_ir as ir

MOVES = frozenset({"Gather", "Reshape", "Squeeze", "Transpose", "Unsqueeze"})
"""Operators between the table and what dequantises it."""


class QuantisedTable(EverywhereRule):
    """A constant table of integers is looked up first and dequantised after.

    ## What happens

    The model converts without a message and the simulator gives other numbers. With a scale for each column `build`
    raises instead:

        ValueError: operands could not be broadcast together with shapes (54,128) (128,1)

    ## Why

    The toolkit dequantises the table in front of the lookup itself. For uint8 it gets the numbers wrong, and for more
    than one scale the axis. int8 with one scale comes out right.

    ## Example

    `Gather(table, ids)`, then `DequantizeLinear`: so does ONNX Runtime's `quantize_dynamic` write an embedding.

    ## What rkmend does

    * `float-table`: dequantises the table once and for all and looks up floats.

    ## Exactness and its limits

    `exact`: the same numbers, computed earlier. In the ONNX file the table takes four times the space; in the
    `.rknn` it is stored as fp16.

    ## Evidence

    Toolkit 2.3.2, rk3588: a table of 54 x 128 in int8 with one scale converts with a cosine of 1.0, with and without
    a zero point, with and without a Transpose between; in uint8 the cosine is 0.93 to 0.97; with a scale for each
    column the exception is raised. Two text networks with such an embedding came out with cosines of -0.28 and 0.16.
    """

    code = "RKM302"
    name = "quantised-table"
    level = Level.ERROR
    operators = frozenset({"DequantizeLinear", "com.microsoft::DequantizeLinear"})
    what = "The model looks up integers and dequantises them afterwards"
    mend = "float-table"
    summary = "Dequantises the table once and looks up floats."
    exactness = Exactness.EXACT

    def places(self, graph: ir.Graph) -> tuple[list[ir.Node], list[ir.Node]]:
        """Every DequantizeLinear of a table of uint8, or with more than one scale; what leads from the table to it."""
        chains = {node: chain for node in graph if (chain := _chain(node)) and _fails(chain, node)}
        inside = {one for node, chain in chains.items() for one in [*chain, node]}
        return list(chains), [node for node in graph if node in inside]

    def rewrite(self, model: ir.Model) -> None:
        """The same lookups in floats."""
        for last in self.places(model.graph)[0]:
            chain = _chain(last)
            integers, scale = constant_of(chain[0].inputs[0]), constant_of(last.inputs[1])
            zero_point = constant_of(operand(last, 2))
            assert integers is not None and scale is not None
            offset = None if zero_point is None else along(zero_point, integers.ndim, -1)
            new = self.replacement(last, _only_for(chain))
            value = new.constant("table", dequantised(integers, offset, along(scale, integers.ndim, -1)))
            for move in chain:
                operands = [value, *move.inputs[1:]]
                value = new.node(move.op_type.lower(), move.op_type, operands, dict(move.attributes))
            new.finish(value)


def _fails(chain: list[ir.Node], node: ir.Node) -> bool:
    table, scale = chain[0].inputs[0], constant_of(node.inputs[1])
    assert table is not None and table.dtype is not None and scale is not None
    return table.dtype.name == "UINT8" or scale.size > 1


def _chain(node: ir.Node) -> list[ir.Node]:
    """What leads from a table to its DequantizeLinear, a Gather first; nothing where that cannot be put off."""
    scale = constant_of(node.inputs[1]) if node.op_type == "DequantizeLinear" else None
    if scale is None or (len(node.inputs) > 2 and constant_of(node.inputs[2]) is None):
        return []
    chain: list[ir.Node] = []
    value = node.inputs[0]
    while value is not None and (maker := value.producer()) is not None and maker.op_type in MOVES:
        chain.insert(0, maker)
        value = maker.inputs[0]
    if not chain or chain[0].op_type != "Gather" or not is_constant(value):
        return []
    return chain if scale.size == 1 or _by_column(chain, node) else []


def _by_column(chain: list[ir.Node], node: ir.Node) -> bool:
    """Whether the scales are those of the columns of a table whose rows are looked up."""
    table, found = chain[0].inputs[0], node.inputs[0]
    if table is None or table.shape is None or found is None or found.shape is None:
        return False
    rank, axis = len(found.shape), node.attributes.get_int("axis", 1)
    rows = chain[0].attributes.get_int("axis", 0) == 0 and len(table.shape) > 1
    return len(chain) == 1 and rows and axis % rank == rank - 1


def _only_for(chain: list[ir.Node]) -> list[ir.Node]:
    """The end of a chain that nothing else reads."""
    for place in range(len(chain), 0, -1):
        output = chain[place - 1].outputs[0]
        if len(output.uses()) > 1 or output.is_graph_output():
            return chain[place:]
    return chain
