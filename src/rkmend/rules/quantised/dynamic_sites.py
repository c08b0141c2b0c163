"""Where a model quantises at run time, and what the integers are for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rkmend.rules.operands import constant_of, only_reader, operand

if TYPE_CHECKING:
    import onnx_ir as ir

PRODUCTS = frozenset({"MatMulInteger", "ConvInteger"})
FUSED = frozenset({"DynamicQuantizeLSTM", "DynamicQuantizeMatMul"})
"""Operators of ONNX Runtime that quantise one of their own inputs."""
SITES = PRODUCTS | {f"com.microsoft::{kind}" for kind in (*FUSED, "MatMulIntegerToFloat")}
SITES |= {"DequantizeLinear", "com.microsoft::DequantizeLinear"}
"""Operators that a site may begin with."""


@dataclass(frozen=True)
class Quantised:
    """An integer tensor that was made at run time: about `real / scale + zero_point`."""

    maker: ir.Node

    @property
    def real(self) -> ir.Value:
        """The floats that were quantised; not always the same value, while the sites before are rewritten."""
        value = self.maker.inputs[0]
        assert value is not None
        return value

    @property
    def scale(self) -> ir.Value | None:
        """Their scale."""
        return (
            self.maker.outputs[1] if self.maker.op_type == "DynamicQuantizeLinear" else self.maker.inputs[1]
        )


@dataclass(frozen=True)
class Site:
    """Integers made at run time, what is computed with them, and how they become floats again.

    Attributes:
        node: The operator that takes the integers, or one of `FUSED`.
        left: Its first operand, where that is made at run time.
        right: Its second operand, likewise.
        chain: What leads from its output to the floats: Cast and Mul.
        factors: Constants that the floats are multiplied by on the way, besides the scales of the operands.
    """

    node: ir.Node
    left: Quantised | None = None
    right: Quantised | None = None
    chain: tuple[ir.Node, ...] = ()
    factors: tuple[ir.Value, ...] = ()

    @property
    def nodes(self) -> tuple[ir.Node, ...]:
        """The nodes that are replaced, in graph order."""
        return (self.node, *self.chain)

    @property
    def reads(self) -> list[ir.Value | None]:
        """The floats that are read when the site is rewritten: what was quantised, and what is none the less float."""
        reals: list[ir.Value | None] = [side.real for side in (self.left, self.right) if side is not None]
        return [*reals, *(self.node.inputs if self.node.op_type in FUSED else self.node.inputs[6:])]


def sites(graph: ir.Graph) -> Iterator[Site]:
    """All sites of a graph, in its order."""
    for node in graph:
        if node.op_type in FUSED and node.domain == "com.microsoft":
            yield Site(node)
        elif (found := _site(node)) is not None:
            yield found


def region(graph: ir.Graph, found: list[Site]) -> list[ir.Node]:
    """The nodes of some sites and those that only serve them (quantisers, products of scales), in graph order."""
    if not found:
        return []
    inside = {node for site in found for node in site.nodes}
    kept = {value for site in found for value in site.reads}
    for node in reversed(list(graph)):
        uses = [use.node for output in node.outputs for use in output.uses()]
        read = any(output in kept or output.is_graph_output() for output in node.outputs)
        known = all(constant_of(output) is not None for output in node.outputs)
        if uses and not read and not known and all(use in inside for use in uses):
            inside.add(node)
    return [node for node in graph if node in inside]


def _site(node: ir.Node) -> Site | None:
    """The site of an operator that takes integers and gives floats, at once or by a Cast and products."""
    if node.op_type in PRODUCTS and not node.domain:
        left, right = _operand(node, 0, zero_point=2), _operand(node, 1, zero_point=3)
        return _scaled(node, left, right) if left or right else None
    if node.op_type == "MatMulIntegerToFloat":
        left, right = _operand(node, 0, zero_point=4), _operand(node, 1, zero_point=5)
        scales = zip((left, right), node.inputs[2:4], strict=True)
        fits = all(operand is None or operand.scale is scale for operand, scale in scales)
        return Site(node, left, right) if (left or right) and fits else None
    if node.op_type == "DequantizeLinear":
        left = _operand(node, 0, zero_point=2)
        return Site(node, left) if left and left.scale is node.inputs[1] else None
    return None


def _operand(node: ir.Node, index: int, zero_point: int) -> Quantised | None:
    """An operand that is made at run time, with the zero point that it was made with."""
    value = node.inputs[index]
    maker = value.producer() if value is not None else None
    offset = operand(node, zero_point)
    if maker is None:
        return None
    own: ir.Value | None = None
    if maker.op_type == "DynamicQuantizeLinear":
        own = maker.outputs[2]
    elif maker.op_type == "QuantizeLinear" and constant_of(maker.inputs[1]) is None:
        own = operand(maker, 2)
    else:
        return None
    return Quantised(maker) if offset is own else None


def _scaled(node: ir.Node, left: Quantised | None, right: Quantised | None) -> Site | None:
    """Follows the integers through a Cast and products until the scales of both operands are in them."""
    missing = [side.scale for side in (left, right) if side is not None]
    cast = only_reader(node.outputs[0])
    if cast is None or cast.op_type != "Cast":
        return None
    chain = [cast]
    factors: list[ir.Value] = []
    while missing:
        product = only_reader(chain[-1].outputs[0])
        if product is None or product.op_type != "Mul":
            return None
        other = next((value for value in product.inputs if value is not chain[-1].outputs[0]), None)
        leaves = _leaves(other, missing)
        if leaves is None:
            return None
        factors += leaves
        chain.append(product)
    return Site(node, left, right, tuple(chain), tuple(factors))


def _leaves(value: ir.Value | None, missing: list[ir.Value | None]) -> list[ir.Value] | None:
    """The constants of a product of constants and missing scales, which are struck off; None if it holds others."""
    if value is None:
        return None
    if value in missing:
        missing.remove(value)
        return []
    if constant_of(value) is not None:
        return [value]
    maker = value.producer()
    if maker is None or maker.op_type != "Mul":
        return None
    parts = [_leaves(one, missing) for one in maker.inputs]
    return None if None in parts else [leaf for part in parts if part for leaf in part]
